#include "kernels/cuda/plan_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace thaw::cuda {

namespace fs = std::filesystem;

PlanFile::PlanFile(std::string path, std::string device)
    : path_(std::move(path)), device_(std::move(device)) {
  std::error_code error;
  if (!fs::is_regular_file(path_, error)) return;
  std::ifstream file(path_);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find('\t'), last = line.rfind('\t');
    if (first == last || line.compare(0, first, device_) != 0) continue;
    engines_[line.substr(first + 1, last - first - 1)] = line.substr(last + 1);
  }
}

std::string PlanFile::find(const std::string& graph) const {
  const auto it = engines_.find(graph);
  return it == engines_.end() ? "" : it->second;
}

void PlanFile::keep(const std::string& graph, const std::string& engine) {
  engines_[graph] = engine;
  if (path_.empty()) return;
  std::error_code error;
  fs::create_directories(fs::path(path_).parent_path(), error);
  const int file = open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return;
  const std::string line = device_ + '\t' + graph + '\t' + engine + '\n';
  [[maybe_unused]] const auto written = write(file, line.data(), line.size());
  close(file);
}

std::string default_plan_file() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  // The XDG specification has relative paths ignored.
  if (cache != nullptr && *cache == '/') return std::string(cache) + "/thaw/cudnn_plans.tsv";
  const char* home = std::getenv("HOME");
  return home != nullptr && *home == '/' ? std::string(home) + "/.cache/thaw/cudnn_plans.tsv" : "";
}

}  // namespace thaw::cuda
