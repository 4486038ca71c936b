#include "tools/network/rename_rule.h"

#include <regex>

#include "kernels/error.h"

namespace thaw {

StateDict rename_tensors(const StateDict& tensors, const std::vector<std::string>& rules) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  for (const std::string& rule : rules) {
    const std::size_t arrow = rule.find("=>");
    if (arrow == std::string::npos || arrow == 0)
      throw Error("--rename '" + rule + "': write 'REGEX=>TEXT', e.g. '^features\\.=>'");
    constexpr std::size_t longest = 1000;  // deeper nesting would take std::regex's stack
    if (rule.size() > longest)
      throw Error("--rename: a rule is longer than " + std::to_string(longest) +
                  " characters; write it shorter");
    std::regex pattern;
    try {
      pattern = std::regex(rule.substr(0, arrow));
    } catch (const std::regex_error& e) {
      throw Error("--rename '" + rule + "': not a regular expression: " + e.what());
    }
    bool matched = false;
    for (std::string& name : names) {
      if (!std::regex_search(name, pattern)) continue;
      matched = true;
      name = std::regex_replace(name, pattern, rule.substr(arrow + 2));
    }
    if (!matched)
      throw Error("--rename '" + rule + "': matches no tensor's name" +
                  (names.empty() ? "" : ", e.g. not " + names.front()));
  }
  StateDict renamed;
  std::size_t i = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::string& target = names[i++];
    if (target.empty()) throw Error("--rename: the name of " + name + " becomes empty");
    if (renamed.contains(target))
      throw Error("--rename: two tensors get the name " + target + ", the second is " + name);
    renamed.add(target, tensor);
  }
  return renamed;
}

}  // namespace thaw
