// The tuner's choices on disk, so that later runs take the same engines at once. A text file with a line per
// choice: device, graph, engine, separated by tabs; of equal graphs the last line counts.
#pragma once

#include <map>
#include <string>

namespace thaw::cuda {

class PlanFile {
 public:
  PlanFile() = default;  // keeps nothing
  // Reads the choices for `device`, which names the GPU and the version of cuDNN. Other lines, damaged or of
  // other devices, are passed over, and a file that cannot be read knows nothing: what is missing is timed
  // anew.
  PlanFile(std::string path, std::string device);

  std::string find(const std::string& graph) const;  // the engine, "" if it is not known
  // Adds a line in one write, so that processes that do so at once do not mix. Where it cannot be written,
  // the next run times anew.
  void keep(const std::string& graph, const std::string& engine);

 private:
  std::string path_, device_;
  std::map<std::string, std::string> engines_;
};

// $XDG_CACHE_HOME/thaw/cudnn_plans.tsv, else $HOME/.cache/thaw/cudnn_plans.tsv, "" without either.
std::string default_plan_file();

}  // namespace thaw::cuda
