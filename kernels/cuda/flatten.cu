#include "kernels/cuda/columns.h"
#include "kernels/cuda/ops.h"

namespace thaw::cuda {
namespace {

// For each of `count` matrices: element (r, k) at from + matrix * from_step + r * from_pitch + k goes to
// (k, r) at to + matrix * to_step + k * to_pitch + r.
struct Transposition {
  std::int64_t count, rows, columns, from_step, from_pitch, to_step, to_pitch;
};

// A block moves one square of 32 x 32 at a time through shared memory, so that both sides are read and
// written along their rows; the 33rd column keeps its banks apart.
template <class T>
__global__ void __launch_bounds__(block_threads) transpose_kernel(Transposition t, const T* from, T* to) {
  THAW_SHARED(T, tile, [32][33]);
  const std::int64_t down = (t.rows + 31) / 32, across = (t.columns + 31) / 32;
  const unsigned lane = threadIdx.x % 32, first = threadIdx.x / 32;
  for (std::int64_t i = blockIdx.x; i < t.count * down * across; i += gridDim.x) {
    const std::int64_t line = divide(i, across), matrix = divide(line, down);
    const std::int64_t row = (line - matrix * down) * 32, column = (i - line * across) * 32;
    for (unsigned r = first; r < 32; r += block_threads / 32)
      if (row + r < t.rows && column + lane < t.columns)
        tile[r][lane] = from[matrix * t.from_step + (row + r) * t.from_pitch + column + lane];
    __syncthreads();
    for (unsigned r = first; r < 32; r += block_threads / 32)
      if (column + r < t.columns && row + lane < t.rows)
        to[matrix * t.to_step + (column + r) * t.to_pitch + row + lane] = tile[lane][r];
    __syncthreads();
  }
}

void transpose(const Queue& queue, const char* op, const Transposition& t, const ConstView& from,
               const View& to) {
  same_type(op, from, to);
  if (to.elements() == 0) return;
  with_type(op, to.type, [&](auto type) {
    using T = decltype(type);
    const std::int64_t tiles = t.count * ((t.rows + 31) / 32) * ((t.columns + 31) / 32);
    launch(queue, op, transpose_kernel<T>, dim3(grid_for(queue, tiles * block_threads)), t,
           static_cast<const T*>(from.data), static_cast<T*>(to.data));
  });
}

}  // namespace

void flatten_forward(const Queue& queue, ConstView x, View y) {
  const std::int64_t area = x.h * x.w;
  require(y.pixels() == x.n && y.c == x.c * area, "flatten_forward", "pictures and rows do not fit");
  transpose(queue, "flatten_forward", {x.n, area, x.c, area * x.pitch, x.pitch, y.pitch, area}, x, y);
}

void flatten_backward(const Queue& queue, ConstView dy, View dx) {
  const std::int64_t area = dx.h * dx.w;
  require(dy.pixels() == dx.n && dy.c == dx.c * area, "flatten_backward", "pictures and rows do not fit");
  transpose(queue, "flatten_backward", {dx.n, dx.c, area, dy.pitch, area, area * dx.pitch, dx.pitch}, dy, dx);
}

}  // namespace thaw::cuda
