// "did you mean" for names of models, stages and modules.
#pragma once

#include <string>
#include <vector>

namespace thaw {

// The at most `count` candidates with the smallest edit distance to `name`, best first.
std::vector<std::string> nearest_names(const std::string& name, const std::vector<std::string>& candidates,
                                       std::size_t count = 3);

// "; nearest: layer1, layer2" or "" if there are no candidates.
std::string nearest_text(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace thaw
