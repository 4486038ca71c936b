#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

void CpuBackend::add(ConstView a, ConstView b, View y) {
  const Loops& loop = loops(y.type, "add");
  same_type("add", a, b);
  same_type("add", a, y);
  parallel(y.pixels(), pixel_grain(y.c),
           [&](Range range, Index) { loop.add(a, b, y, range.begin, range.end); });
}

}  // namespace thaw::cpu
