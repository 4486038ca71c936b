#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

void CpuBackend::dropout(ConstView x, float p, std::uint32_t layer, const StepState* state, View y) {
  const Loops& loop = loops(x.type, "dropout");
  same_type("dropout", x, y);
  if (!(p >= 0.0f && p < 1.0f)) throw Error("dropout: p is " + std::to_string(p) + "; use 0 <= p < 1");
  const auto step = static_cast<std::uint32_t>(state->step);
  const Index grain = std::max<Index>(1, 1024 / std::max<Index>(1, x.c));
  parallel(x.pixels(), grain, [&](Range range, Index) {
    loop.dropout(x, y, p, layer, state->seed, step, range.begin, range.end);
  });
}

}  // namespace thaw::cpu
