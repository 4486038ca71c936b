#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {
namespace {

template <class T>
void pictures_to_rows(const ConstView& x, const View& y, Range range) {
  const Index pixels = x.h * x.w;
  for (Index n = range.begin; n < range.end; ++n) {
    const T* from = static_cast<const T*>(x.data) + n * pixels * x.pitch;
    T* to = static_cast<T*>(y.data) + n * y.pitch;
    for (Index c = 0; c < x.c; ++c) {
      for (Index p = 0; p < pixels; ++p) to[c * pixels + p] = from[p * x.pitch + c];
    }
  }
}

template <class T>
void rows_to_pictures(const ConstView& dy, const View& dx, Range range) {
  const Index pixels = dx.h * dx.w;
  for (Index n = range.begin; n < range.end; ++n) {
    const T* from = static_cast<const T*>(dy.data) + n * dy.pitch;
    T* to = static_cast<T*>(dx.data) + n * pixels * dx.pitch;
    for (Index p = 0; p < pixels; ++p) {
      for (Index c = 0; c < dx.c; ++c) to[p * dx.pitch + c] = from[c * pixels + p];
    }
  }
}

}  // namespace

template <>
void CpuBackend::compute(const FlattenForward& op) {
  parallel(op.x.n, 1, [&](Range range, Index) {
    op.x.type == DType::f32 ? pictures_to_rows<float>(op.x, op.y, range)
                            : pictures_to_rows<bf16>(op.x, op.y, range);
  });
}

template <>
void CpuBackend::compute(const FlattenBackward& op) {
  parallel(op.dx.n, 1, [&](Range range, Index) {
    op.dx.type == DType::f32 ? rows_to_pictures<float>(op.dy, op.dx, range)
                             : rows_to_pictures<bf16>(op.dy, op.dx, range);
  });
}

}  // namespace thaw::cpu
