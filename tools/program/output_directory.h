// The folder a training run writes to: made when needed, held by one run at a time.
#pragma once

#include <string>

namespace thaw {

class OutputDirectory {
 public:
  // Throws Error when something else than a folder is there; when it holds anything and `resume` is not set;
  // when it holds no train_state and `resume` is set; or when it cannot be written to. Creates nothing.
  static void check_usable(const std::string& path, bool resume);

  // Makes the folder where it is missing and locks it (flock on ".lock", released when the process ends,
  // however it ends). Throws Error when another run holds it or it cannot be written.
  explicit OutputDirectory(std::string path);
  // The folder of a training run: checked as above before it is made, and again once no other run can write there. What a
  // killed run left of a file that it was writing goes away.
  OutputDirectory(std::string path, bool resume);
  ~OutputDirectory();  // a folder that it made and that is still empty goes away again
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  void remove_unfinished_files() const;

  std::string path_;
  int lock_ = -1;
  bool made_ = false;
};

}  // namespace thaw
