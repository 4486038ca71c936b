#include "io/file/atomic.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "io/file/descriptor.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {
namespace {

void write_all(int file, std::string_view bytes, const std::string& shown) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(file, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0)
      throw Error(shown + ": cannot write: " + std::strerror(errno) + "; the old file is unchanged");
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Removes the new file unless the rename took it over.
class Unfinished {
 public:
  explicit Unfinished(std::string path) : path_(std::move(path)) {}
  ~Unfinished() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

}  // namespace

void write_file_atomically(const std::string& path, std::span<const std::string_view> pieces) {
  const std::string shown = printable(path);
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    throw Error(shown + ": is there already and is not a regular file; choose another name");
  // A name of its own for every writer: other threads, and processes of the same number on other machines.
  std::string fresh;
  int opened = -1;
  for (int number = 0; opened < 0 && number < 1000; ++number) {
    fresh = path + ".tmp." + std::to_string(::getpid()) + "." + std::to_string(number);
    opened = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (opened < 0 && errno != EEXIST) break;
  }
  FileDescriptor file(opened);
  if (!file.valid())
    throw Error(printable(fresh) + ": cannot create: " + std::strerror(errno) +
                "; the folder must exist and be writable");
  Unfinished unfinished(fresh);
  for (const std::string_view piece : pieces) write_all(file.get(), piece, shown);
  if (::fsync(file.get()) != 0) throw Error(shown + ": cannot sync to disk: " + std::strerror(errno));
  if (!file.close()) throw Error(shown + ": cannot close: " + std::strerror(errno));
  if (std::rename(fresh.c_str(), path.c_str()) != 0)
    throw Error(shown + ": cannot rename the new file into place: " + std::strerror(errno));
  unfinished.keep();
  const FileDescriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // EINVAL: some file systems have no sync for folders; the rename is as durable there as it gets.
  if (!folder.valid() || (::fsync(folder.get()) != 0 && errno != EINVAL))
    throw Error(shown + ": written, but its folder cannot be synced to disk: " + std::strerror(errno));
}

void write_file_atomically(const std::string& path, std::string_view content) {
  write_file_atomically(path, std::span<const std::string_view>(&content, 1));
}

}  // namespace thaw
