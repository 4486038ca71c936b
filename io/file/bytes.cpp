#include "io/file/bytes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "io/file/descriptor.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {

FileBytes::FileBytes(const std::string& path, std::uint64_t limit) {
  const std::string shown = printable(path);
  // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) throw Error(shown + ": cannot open: " + std::strerror(errno));
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) throw Error(shown + ": cannot stat: " + std::strerror(errno));
  if (S_ISDIR(info.st_mode)) throw Error(shown + ": is a directory; give the path of a file in it");
  if (!S_ISREG(info.st_mode)) throw Error(shown + ": is not a regular file (a pipe, socket or device)");
  if (info.st_size == 0) throw Error(shown + ": is empty (0 bytes); download or save it again");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > limit)
    throw Error(shown + ": has " + std::to_string(size) +
                " bytes, over the limit file_bytes = " + std::to_string(limit));
  size_ = static_cast<std::size_t>(size);
  data_ = std::make_unique_for_overwrite<std::byte[]>(size_);
  std::size_t done = 0;
  while (done < size_) {
    const ssize_t got = ::pread(file.get(), data_.get() + done, size_ - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(shown + ": cannot read: " + std::strerror(errno));
    if (got == 0) throw Error(shown + ": became shorter while it was read");
    done += static_cast<std::size_t>(got);
  }
}

}  // namespace thaw
