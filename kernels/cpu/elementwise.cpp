#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

template <>
void CpuBackend::compute(const Copy& op) {
  const Loops& loop = loops(op.x.type);
  const auto body = op.y.type == DType::f32 ? loop.copy_to_f32 : loop.copy_to_bf16;
  parallel(op.x.pixels(), pixel_grain(op.x.c),
           [&](Range range, Index) { body(op.x, op.y, op.into == Into::add, range.begin, range.end); });
}

template <>
void CpuBackend::compute(const Add& op) {
  const Loops& loop = loops(op.y.type);
  parallel(op.y.pixels(), pixel_grain(op.y.c),
           [&](Range range, Index) { loop.add(op.a, op.b, op.y, range.begin, range.end); });
}

}  // namespace thaw::cpu
