#include "kernels/cpu/pool2d.h"

namespace thaw::cpu {

template <>
void CpuBackend::compute(const MaxPool2dForward& op) {
  const Loops& loop = loops(op.x.type);
  const Pool args{.spec = op.spec, .in = op.x, .out = op.y, .index = nullptr, .index_out = op.index};
  parallel(op.y.n * op.y.h, row_grain(op.y),
           [&](Range range, Index) { loop.max_pool_forward(args, range.begin, range.end); });
}

template <>
void CpuBackend::compute(const MaxPool2dBackward& op) {
  const Loops& loop = loops(op.dy.type);
  const Pool args{.spec = op.spec, .in = op.dy, .out = op.dx, .index = op.index, .index_out = nullptr};
  parallel(op.dx.n * op.dx.h, row_grain(op.dx),
           [&](Range range, Index) { loop.max_pool_backward(args, range.begin, range.end); });
}

template <>
void CpuBackend::compute(const AvgPool2dForward& op) {
  const Loops& loop = loops(op.x.type);
  const Pool args{.spec = op.spec, .in = op.x, .out = op.y, .index = nullptr, .index_out = nullptr};
  parallel(op.y.n * op.y.h, row_grain(op.y),
           [&](Range range, Index) { loop.avg_pool_forward(args, range.begin, range.end); });
}

template <>
void CpuBackend::compute(const AvgPool2dBackward& op) {
  const Loops& loop = loops(op.dy.type);
  const Pool args{.spec = op.spec, .in = op.dy, .out = op.dx, .index = nullptr, .index_out = nullptr};
  parallel(op.dx.n * op.dx.h, row_grain(op.dx),
           [&](Range range, Index) { loop.avg_pool_backward(args, range.begin, range.end); });
}

template <>
void CpuBackend::compute(const GlobalAvgPoolForward& op) {
  const Loops& loop = loops(op.x.type);
  parallel(op.x.n, 1,
           [&](Range range, Index) { loop.global_avg_pool_forward(op.x, op.y, range.begin, range.end); });
}

template <>
void CpuBackend::compute(const GlobalAvgPoolBackward& op) {
  const Loops& loop = loops(op.dy.type);
  parallel(op.dx.n, 1,
           [&](Range range, Index) { loop.global_avg_pool_backward(op.dy, op.dx, range.begin, range.end); });
}

}  // namespace thaw::cpu
