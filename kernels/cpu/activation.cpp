#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

template <>
void CpuBackend::compute(const ReluForward& op) {
  const Loops& loop = loops(op.x.type);
  parallel(op.x.pixels(), pixel_grain(op.x.c),
           [&](Range range, Index) { loop.relu_forward(op.x, op.y, range.begin, range.end); });
}

template <>
void CpuBackend::compute(const ReluBackward& op) {
  const Loops& loop = loops(op.dy.type);
  parallel(op.dy.pixels(), pixel_grain(op.dy.c),
           [&](Range range, Index) { loop.relu_backward(op.dy, op.y, op.dx, range.begin, range.end); });
}

}  // namespace thaw::cpu
