#include "tools/compare/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/registry.h"
#include "tools/program/frame.h"

namespace thaw {

namespace {

bool has_convolution(Module& module) {
  bool found = false;
  module.visit([&found](Module& m) {
    for (const Parameter* p : m.own_parameters()) found = found || p->value.shape().rank() == 4;
  });
  return found;
}

// Index of the first stage of every block, in order.
std::vector<std::size_t> blocks_of(const Network& network) {
  std::vector<std::size_t> blocks;
  for (std::size_t i = 0; i + 1 < network.stages().size(); ++i)
    if (has_convolution(*network.stages()[i].module)) blocks.push_back(i);
  return blocks;
}

}  // namespace

std::vector<ComparePlan> compare_plans(const Network& network, const std::string& story) {
  const std::string& model = network.name();
  const std::vector<std::size_t> blocks = blocks_of(network);
  std::vector<ComparePlan> plans{{"scratch_cnn", "scratch CNN, random weights", "scratch_cnn", false, "none"},
                                 {"scratch", model + ", random weights", model, false, "none"},
                                 {"0", "0 blocks: the head alone", model, true, "backbone"}};
  for (std::size_t k = 1; k < blocks.size(); ++k) {
    const std::size_t first = blocks[blocks.size() - k];
    const std::string& name = network.stages()[first].name;
    plans.push_back({std::to_string(k),
                     k == 1 ? "1 block: " + name : fmt::format("{} blocks, from {} on", k, name), model, true,
                     "upto:" + network.stages()[first - 1].name});
  }
  plans.push_back({"all", "all blocks", model, true, "none"});
  std::string spec = story.empty() ? network_facts(model).story : story;
  if (spec.empty())
    spec = blocks.size() > 2 ? "upto:" + network.stages()[blocks[blocks.size() - 2] - 1].name : "backbone";
  plans.push_back({"story", fmt::format("--freeze '{}' --bn train", spec), model, true, spec, "train"});
  return plans;
}

std::vector<ComparePlan> chosen_plans(const std::vector<ComparePlan>& plans,
                                      const std::vector<std::string>& keys) {
  if (keys.empty()) return plans;
  std::string known;
  for (const ComparePlan& plan : plans) known += (known.empty() ? "" : ", ") + plan.key;
  for (const std::string& key : keys)
    if (std::none_of(plans.begin(), plans.end(), [&key](const ComparePlan& p) { return p.key == key; }))
      throw UsageError(fmt::format("--plans: there is no plan '{}'; there are {}", key, known));
  std::vector<ComparePlan> chosen;
  for (const ComparePlan& plan : plans)
    if (std::find(keys.begin(), keys.end(), plan.key) != keys.end()) chosen.push_back(plan);
  return chosen;
}

}  // namespace thaw
