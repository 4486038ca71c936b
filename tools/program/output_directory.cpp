#include "tools/program/output_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "kernels/error.h"

namespace thaw {
namespace fs = std::filesystem;

namespace {

// A file of write_file_atomically whose writer was killed.
bool is_unfinished(const fs::path& path) {
  return path.filename().string().find(".safetensors.tmp.") != std::string::npos;
}

}  // namespace

void OutputDirectory::check_usable(const std::string& path, bool resume) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    if (resume) throw Error(path + ": there is no run to resume; leave out --resume to start one");
    fs::path parent = fs::absolute(path).lexically_normal();
    do {
      if (parent == parent.parent_path()) break;
      parent = parent.parent_path();
    } while (!fs::exists(parent, error));
    if (!fs::is_directory(parent, error) || access(parent.c_str(), W_OK | X_OK) != 0)
      throw Error(path + ": cannot be made, " + parent.string() +
                  " is not a folder that can be written to; choose another --output");
    return;
  }
  if (!fs::is_directory(status)) throw Error(path + ": is not a folder; choose another --output");
  if (access(path.c_str(), W_OK | X_OK) != 0)
    throw Error(path + ": " + std::strerror(errno) + "; choose another --output");
  bool empty = true;
  for (const auto& entry : fs::directory_iterator(path, error))
    if (entry.path().filename() != ".lock" && !is_unfinished(entry.path())) empty = false;
  if (error) throw Error(path + ": " + error.message() + "; choose another --output");
  const bool state = fs::exists(path + "/train_state.safetensors", error);
  if (resume && !state)
    throw Error(
        path +
        ": holds no train_state.safetensors, so there is no run to resume; leave out --resume to start one");
  if (!resume && !empty)
    throw Error(path + ": is not empty; choose another --output" +
                (state ? ", or continue its run with --resume" : ", or remove what is there"));
}

OutputDirectory::OutputDirectory(std::string path) : path_(std::move(path)) {
  std::error_code error;
  made_ = fs::create_directories(path_, error);
  if (error) throw Error(path_ + ": cannot be made: " + error.message() + "; choose another --output");
  const std::string name = file(".lock");
  lock_ = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (lock_ < 0) throw Error(name + ": " + std::strerror(errno) + "; choose another --output");
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    close(lock_);
    throw Error(path_ + ": another run is writing there; wait for it or choose another --output");
  }
}

OutputDirectory::OutputDirectory(std::string path, bool resume)
    : OutputDirectory((check_usable(path, resume), std::move(path))) {
  remove_unfinished_files();
  check_usable(path_, resume);
}

void OutputDirectory::remove_unfinished_files() const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_, error))
    if (is_unfinished(entry.path())) fs::remove(entry.path(), error);
}

OutputDirectory::~OutputDirectory() {
  std::error_code error;
  const fs::directory_iterator entries(path_, error);
  if (made_ && !error && std::distance(begin(entries), end(entries)) == 1) fs::remove_all(path_, error);
  close(lock_);
}

}  // namespace thaw
