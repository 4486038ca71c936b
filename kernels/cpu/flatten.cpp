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

void CpuBackend::flatten_forward(ConstView x, View y) {
  loops(x.type, "flatten_forward");
  same_type("flatten_forward", x, y);
  parallel(x.n, 1, [&](Range range, Index) {
    x.type == DType::f32 ? pictures_to_rows<float>(x, y, range) : pictures_to_rows<bf16>(x, y, range);
  });
}

void CpuBackend::flatten_backward(ConstView dy, View dx) {
  loops(dy.type, "flatten_backward");
  same_type("flatten_backward", dy, dx);
  parallel(dx.n, 1, [&](Range range, Index) {
    dx.type == DType::f32 ? rows_to_pictures<float>(dy, dx, range) : rows_to_pictures<bf16>(dy, dx, range);
  });
}

}  // namespace thaw::cpu
