#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

void CpuBackend::relu_forward(ConstView x, View y) {
  const Loops& loop = loops(x.type, "relu_forward");
  same_type("relu_forward", x, y);
  parallel(x.pixels(), pixel_grain(x.c),
           [&](Range range, Index) { loop.relu_forward(x, y, range.begin, range.end); });
}

void CpuBackend::relu_backward(ConstView dy, ConstView y, View dx) {
  const Loops& loop = loops(dy.type, "relu_backward");
  same_type("relu_backward", dy, y);
  same_type("relu_backward", dy, dx);
  parallel(dy.pixels(), pixel_grain(dy.c),
           [&](Range range, Index) { loop.relu_backward(dy, y, dx, range.begin, range.end); });
}

}  // namespace thaw::cpu
