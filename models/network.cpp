#include "models/network.h"

#include <numeric>

#include "layers/join_views.h"
#include "models/nearest_names.h"

namespace thaw {

namespace {

// Grey pictures and others that do not have the three channels get the average in each.
std::vector<float> per_channel(std::vector<float> values, std::int64_t channels) {
  if (values.size() == static_cast<std::size_t>(channels)) return values;
  const float sum = std::accumulate(values.begin(), values.end(), 0.0f);
  return std::vector<float>(static_cast<std::size_t>(channels), sum / static_cast<float>(values.size()));
}

}  // namespace

Network::Network(std::string name, InputDefaults input, const NetworkOptions& options)
    : name_(std::move(name)), input_(std::move(input)), options_(options) {
  input_.mean = per_channel(input_.mean, options.in_channels);
  input_.std = per_channel(input_.std, options.in_channels);
}

std::int64_t Network::num_classes() const {
  return head_->out();
}

std::size_t Network::stage_index(const std::string& stage) const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (stages_[i].name == stage) return i;
    names.push_back(stages_[i].name);
  }
  throw Error(name_ + " has no stage '" + stage + "'" + nearest_text(stage, names));
}

Variable Network::run(const Variable& x, std::size_t from, std::size_t to, Mode mode,
                      const Tensor& features) {
  if (from > to || to > stages_.size())
    throw Error(name_ + ": no stages [" + std::to_string(from) + ", " + std::to_string(to) + ") among " +
                std::to_string(stages_.size()));
  Variable y = x;
  for (std::size_t i = from; i < to;) {
    const Stage& stage = stages_[i];
    if (i == join_) {
      if (features.defined() ? features.shape()[1] != options_.features : options_.features > 0)
        throw Error(name_ + ": takes " + std::to_string(options_.features) + " features per case, got " +
                    (features.defined() ? features.shape().text() : "none"));
      y = join_views(y, options_.views, features, stage.module->path());
    }
    Variable fused;
    if (stage.fusion.run && i + stage.fusion.stages <= to) fused = stage.fusion.run(y, mode);
    i += fused.defined() ? stage.fusion.stages : 1;
    y = fused.defined() ? std::move(fused) : stage.function(y, mode);
  }
  return y;
}

Variable Network::forward(const Variable& x, const Tensor& features, Mode mode) {
  return run(x, 0, stages_.size(), mode, features);
}

void Network::add_stage(std::string name, Module& module, Fusion fusion) {
  add_stage(
      std::move(name), module, [&module](const Variable& x, Mode mode) { return module.forward(x, mode); },
      std::move(fusion));
}

void Network::add_stage(std::string name, Module& module, Function function, Fusion fusion) {
  add_child(name, module);
  add_inner_stage(std::move(name), module, std::move(function), std::move(fusion));
}

void Network::add_inner_stage(std::string name, Module& module, Function function, Fusion fusion) {
  stages_.push_back({std::move(name), &module, std::move(function), std::move(fusion)});
}

void Network::set_head(std::string name, Linear& head) {
  add_child(name, head);
  set_inner_head(std::move(name), head);
}

void Network::set_inner_head(std::string name, Linear& head) {
  if (join_ == no_stage) join_next();
  add_inner_stage(std::move(name), head,
                  [&head](const Variable& x, Mode mode) { return head.forward(x, mode); });
  head_ = &head;
}

void Network::join_next() {
  join_ = stages_.size();
}

}  // namespace thaw
