#include "optim/sgd.h"

namespace thaw {

namespace {

std::vector<std::string> parts_for(const SgdSpec& spec) {
  if (spec.momentum > 0) return {"momentum"};
  return {};
}

}  // namespace

Sgd::Sgd(const SgdSpec& spec, float weight_decay) : Optimizer(parts_for(spec), weight_decay), spec_(spec) {
  if (!(spec.momentum >= 0 && spec.momentum < 1)) throw Error("sgd: momentum must lie in [0, 1)");
  if (spec.nesterov && spec.momentum == 0) throw Error("sgd: Nesterov needs a momentum above 0");
}

void Sgd::update(ParameterArenas& arenas, const std::vector<ArenaSegment>& segments, const StepState* state,
                 const std::vector<Tensor>& parts) {
  arenas.backend()(SgdStep{
      .spec = spec_,
      .segments = segments.data(),
      .segment_count = static_cast<std::int64_t>(segments.size()),
      .state = state,
      .gradient = arenas.gradients().as<float>(),
      .weight = arenas.values().as<float>(),
      .velocity = parts.empty() ? nullptr : parts[0].as<float>(),
      .low_precision = arenas.low_precision().defined() ? arenas.low_precision().as<bf16>() : nullptr});
}

}  // namespace thaw
