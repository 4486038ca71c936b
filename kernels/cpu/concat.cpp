#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

void CpuBackend::copy(ConstView x, View y, Into into) {
  const Loops& loop = loops(x.type, "copy");
  loops(y.type, "copy");
  const auto body = y.type == DType::f32 ? loop.copy_to_f32 : loop.copy_to_bf16;
  parallel(x.pixels(), pixel_grain(x.c),
           [&](Range range, Index) { body(x, y, into == Into::add, range.begin, range.end); });
}

}  // namespace thaw::cpu
