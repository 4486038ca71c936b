#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

template <>
void CpuBackend::compute(const DropoutForward& op) {
  const Loops& loop = loops(op.x.type);
  const auto step = static_cast<std::uint32_t>(op.state->step);
  const Index grain = std::max<Index>(1, 1024 / std::max<Index>(1, op.x.c));
  parallel(op.x.pixels(), grain, [&](Range range, Index) {
    loop.dropout(op.x, op.y, op.p, op.layer, op.state->seed, step, range.begin, range.end);
  });
}

}  // namespace thaw::cpu
