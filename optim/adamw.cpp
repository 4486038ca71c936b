#include "optim/adamw.h"

namespace thaw {

AdamW::AdamW(const AdamWSpec& spec, float weight_decay) : Optimizer({"m", "v"}, weight_decay), spec_(spec) {
  const auto is_share = [](float beta) { return beta >= 0 && beta < 1; };
  if (!is_share(spec.beta1) || !is_share(spec.beta2))
    throw Error("adamw: beta1 and beta2 must lie in [0, 1)");
  if (!(spec.eps > 0)) throw Error("adamw: eps must be above 0");
}

void AdamW::update(ParameterArenas& arenas, const std::vector<ArenaSegment>& segments, const StepState* state,
                   const std::vector<Tensor>& parts) {
  arenas.backend().adamw_step(spec_, segments.data(), static_cast<std::int64_t>(segments.size()), state,
                              arenas.gradients().as<float>(), arenas.values().as<float>(),
                              parts[0].as<float>(), parts[1].as<float>(),
                              arenas.low_precision().defined() ? arenas.low_precision().as<bf16>() : nullptr);
}

}  // namespace thaw
