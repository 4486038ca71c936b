#include "io/file/bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {

FileReader::FileReader(const std::string& path)
    : shown_(printable(path)),
      // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
      file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (!file_.valid()) throw Error(shown_ + ": cannot open: " + std::strerror(errno));
  struct stat info = {};
  if (::fstat(file_.get(), &info) != 0) throw Error(shown_ + ": cannot stat: " + std::strerror(errno));
  if (S_ISDIR(info.st_mode))
    throw Error(shown_ + ": is a directory, not a regular file; give the path of a file in it");
  if (!S_ISREG(info.st_mode))
    throw Error(
        shown_ +
        ": is not a regular file (a pipe, socket or device); save its content in a file and give that");
  size_ = static_cast<std::uint64_t>(info.st_size);
}

std::size_t FileReader::read(std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t got = ::read(file_.get(), to.data() + done, to.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(shown_ + ": cannot read: " + std::strerror(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

FileBytes::FileBytes(const std::string& path, std::uint64_t limit) {
  const std::string shown = printable(path);
  FileReader file(path);
  if (file.size() == 0) throw Error(shown + ": is empty (0 bytes); download or save it again");
  if (file.size() > limit)
    throw Error(shown + ": has " + std::to_string(file.size()) + " bytes, over the limit of " +
                std::to_string(limit) + "; is it the right file?");
  size_ = static_cast<std::size_t>(file.size());
  data_ = std::make_unique_for_overwrite<std::byte[]>(size_);
  if (file.read({data_.get(), size_}) < size_)
    throw Error(shown + ": became shorter while it was read; wait until nothing writes to it");
}

}  // namespace thaw
