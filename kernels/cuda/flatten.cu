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
  if (to.elements() == 0) return;
  with_type(op, to.type, [&](auto type) {
    using T = decltype(type);
    const std::int64_t tiles = t.count * ((t.rows + 31) / 32) * ((t.columns + 31) / 32);
    launch(queue, op, transpose_kernel<T>, dim3(grid_for(queue, tiles * block_threads)), t,
           static_cast<const T*>(from.data), static_cast<T*>(to.data));
  });
}

}  // namespace

template <>
void run(const Queue& queue, const FlattenForward& op, Workspace) {
  const std::int64_t area = op.x.h * op.x.w;
  transpose(queue, op.name, {op.x.n, area, op.x.c, area * op.x.pitch, op.x.pitch, op.y.pitch, area}, op.x,
            op.y);
}

template <>
void run(const Queue& queue, const FlattenBackward& op, Workspace) {
  const std::int64_t area = op.dx.h * op.dx.w;
  transpose(queue, op.name, {op.dx.n, op.dx.c, area, op.dy.pitch, area, area * op.dx.pitch, op.dx.pitch},
            op.dy, op.dx);
}

}  // namespace thaw::cuda
