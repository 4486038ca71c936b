#include "kernels/cpu/pool2d.h"

namespace thaw::cpu {

void CpuBackend::max_pool2d_forward(const Pool2dSpec& spec, ConstView x, View y, std::uint8_t* index) {
  const Loops& loop = loops(x.type, "max_pool2d_forward");
  same_type("max_pool2d_forward", x, y);
  check_kernel("max_pool2d_forward", spec);
  const Pool args{spec, x, y, nullptr, index};
  parallel(y.n * y.h, row_grain(y),
           [&](Range range, Index) { loop.max_pool_forward(args, range.begin, range.end); });
}

void CpuBackend::max_pool2d_backward(const Pool2dSpec& spec, ConstView dy, const std::uint8_t* index,
                                     View dx) {
  const Loops& loop = loops(dy.type, "max_pool2d_backward");
  same_type("max_pool2d_backward", dy, dx);
  const Pool args{spec, dy, dx, index, nullptr};
  parallel(dx.n * dx.h, row_grain(dx),
           [&](Range range, Index) { loop.max_pool_backward(args, range.begin, range.end); });
}

void CpuBackend::avg_pool2d_forward(const Pool2dSpec& spec, ConstView x, View y) {
  const Loops& loop = loops(x.type, "avg_pool2d_forward");
  same_type("avg_pool2d_forward", x, y);
  const Pool args{spec, x, y, nullptr, nullptr};
  parallel(y.n * y.h, row_grain(y),
           [&](Range range, Index) { loop.avg_pool_forward(args, range.begin, range.end); });
}

void CpuBackend::avg_pool2d_backward(const Pool2dSpec& spec, ConstView dy, View dx) {
  const Loops& loop = loops(dy.type, "avg_pool2d_backward");
  same_type("avg_pool2d_backward", dy, dx);
  const Pool args{spec, dy, dx, nullptr, nullptr};
  parallel(dx.n * dx.h, row_grain(dx),
           [&](Range range, Index) { loop.avg_pool_backward(args, range.begin, range.end); });
}

void CpuBackend::global_avg_pool_forward(ConstView x, View y) {
  const Loops& loop = loops(x.type, "global_avg_pool_forward");
  same_type("global_avg_pool_forward", x, y);
  parallel(x.n, 1, [&](Range range, Index) { loop.global_avg_pool_forward(x, y, range.begin, range.end); });
}

void CpuBackend::global_avg_pool_backward(ConstView dy, View dx) {
  const Loops& loop = loops(dy.type, "global_avg_pool_backward");
  same_type("global_avg_pool_backward", dy, dx);
  parallel(dx.n, 1,
           [&](Range range, Index) { loop.global_avg_pool_backward(dy, dx, range.begin, range.end); });
}

}  // namespace thaw::cpu
