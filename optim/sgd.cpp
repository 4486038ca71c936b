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
  arenas.backend().sgd_step(spec_, segments.data(), static_cast<std::int64_t>(segments.size()), state,
                            arenas.gradients().as<float>(), arenas.values().as<float>(),
                            parts.empty() ? nullptr : parts[0].as<float>(),
                            arenas.low_precision().defined() ? arenas.low_precision().as<bf16>() : nullptr);
}

}  // namespace thaw
