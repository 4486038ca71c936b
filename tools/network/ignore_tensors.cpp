#include "tools/network/ignore_tensors.h"

#include <algorithm>

#include "io/file/text.h"
#include "models/freeze/plan.h"
#include "models/nearest_names.h"
#include "models/weights/load.h"
#include "tools/program/usage_error.h"

namespace thaw {

void ignore_tensors(LoadedWeights& file, const std::vector<std::string>& globs, const std::string& source) {
  if (globs.empty()) return;
  std::vector<bool> used(globs.size(), false);
  std::vector<std::string> names, ignored;
  StateDict kept;
  for (const auto& [name, tensor] : file.tensors) {
    names.push_back(name);
    bool fits = false;
    for (std::size_t i = 0; i < globs.size(); ++i)
      if (matches_glob(globs[i], name)) fits = used[i] = true;
    if (fits)
      ignored.push_back(name);
    else
      kept.add(name, tensor);
  }
  if (const auto unused = std::find(used.begin(), used.end(), false); unused != used.end()) {
    const std::string glob = globs[static_cast<std::size_t>(unused - used.begin())].substr(0, 60);
    throw UsageError("--ignore '" + printable(glob) + "': fits no tensor of " + source +
                     nearest_text(glob, names));
  }
  file.tensors = std::move(kept);
  file.notes.push_back(some_names("ignored", ignored, 3));
}

}  // namespace thaw
