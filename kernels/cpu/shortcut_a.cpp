#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {
namespace {

template <class T>
void forward(const ConstView& x, const View& y, Range rows) {
  const Index first = (y.c - x.c) / 2;
  for (Index row = rows.begin; row < rows.end; ++row) {
    const Index n = row / y.h, oy = row % y.h;
    for (Index ox = 0; ox < y.w; ++ox) {
      const T* from = static_cast<const T*>(x.data) + ((n * x.h + 2 * oy) * x.w + 2 * ox) * x.pitch;
      T* to = static_cast<T*>(y.data) + (row * y.w + ox) * y.pitch;
      for (Index c = 0; c < first; ++c) to[c] = T(0.0f);
      for (Index c = 0; c < x.c; ++c) to[first + c] = from[c];
      for (Index c = first + x.c; c < y.c; ++c) to[c] = T(0.0f);
    }
  }
}

template <class T>
void backward(const ConstView& dy, const View& dx, Range rows) {
  const Index first = (dy.c - dx.c) / 2;
  for (Index row = rows.begin; row < rows.end; ++row) {
    const Index n = row / dx.h, iy = row % dx.h;
    for (Index ix = 0; ix < dx.w; ++ix) {
      T* to = static_cast<T*>(dx.data) + (row * dx.w + ix) * dx.pitch;
      const bool taken = iy % 2 == 0 && ix % 2 == 0 && iy / 2 < dy.h && ix / 2 < dy.w;
      const T* from =
          static_cast<const T*>(dy.data) + (taken ? ((n * dy.h + iy / 2) * dy.w + ix / 2) * dy.pitch : 0);
      for (Index c = 0; c < dx.c; ++c) to[c] = taken ? from[first + c] : T(0.0f);
    }
  }
}

}  // namespace

template <>
void CpuBackend::compute(const ShortcutAForward& op) {
  parallel(op.y.n * op.y.h, 4, [&](Range rows, Index) {
    op.x.type == DType::f32 ? forward<float>(op.x, op.y, rows) : forward<bf16>(op.x, op.y, rows);
  });
}

template <>
void CpuBackend::compute(const ShortcutABackward& op) {
  parallel(op.dx.n * op.dx.h, 4, [&](Range rows, Index) {
    op.dx.type == DType::f32 ? backward<float>(op.dy, op.dx, rows) : backward<bf16>(op.dy, op.dx, rows);
  });
}

}  // namespace thaw::cpu
