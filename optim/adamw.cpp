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
  arenas.backend()(AdamWStep{
      .spec = spec_,
      .segments = segments.data(),
      .segment_count = static_cast<std::int64_t>(segments.size()),
      .state = state,
      .gradient = arenas.gradients().as<float>(),
      .weight = arenas.values().as<float>(),
      .m = parts[0].as<float>(),
      .v = parts[1].as<float>(),
      .low_precision = arenas.low_precision().defined() ? arenas.low_precision().as<bf16>() : nullptr});
}

}  // namespace thaw
