#include "kernels/cuda/columns.h"
#include "kernels/cuda/ops.h"

namespace thaw::cuda {
namespace {

// Pixels of the larger picture x and of y, which holds every second row and column of it; y's channels begin
// `first` before x's.
struct Sides {
  Columns shape;
  std::int64_t x_h, x_w, y_h, y_w, x_c, first;
};

template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads) forward_kernel(Sides s, Pixels<const T> x, Pixels<T> y) {
  const Place at(s.shape);
  if (at.count == 0) return;
  const std::int64_t channel = at.channel - s.first;
  for (std::int64_t pixel = at.pixel; pixel < s.shape.pixels; pixel += at.step) {
    const std::int64_t row = divide(pixel, s.y_w), n = divide(row, s.y_h);
    const T* from =
        x.data + ((n * s.x_h + 2 * (row - n * s.y_h)) * s.x_w + 2 * (pixel - row * s.y_w)) * x.pitch;
    float v[octet] = {};
    if constexpr (Wide) {
      if (channel >= 0 && channel < s.x_c) load_octet<true>(v, from + channel, octet);
    } else {
#pragma unroll
      for (int k = 0; k < octet; ++k)
        if (channel + k >= 0 && channel + k < s.x_c) v[k] = to_float(from[channel + k]);
    }
    store_octet<Wide>(y.data + pixel * y.pitch + at.channel, v, at.count);
  }
}

template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads) backward_kernel(Sides s, Pixels<const T> dy, Pixels<T> dx) {
  const Place at(s.shape);
  if (at.count == 0) return;
  for (std::int64_t pixel = at.pixel; pixel < s.shape.pixels; pixel += at.step) {
    const std::int64_t all_rows = divide(pixel, s.x_w), n = divide(all_rows, s.x_h);
    const std::int64_t row = all_rows - n * s.x_h, column = pixel - all_rows * s.x_w;
    float v[octet] = {};
    if (row % 2 == 0 && column % 2 == 0)
      load_octet<Wide>(
          v, dy.data + ((n * s.y_h + row / 2) * s.y_w + column / 2) * dy.pitch + s.first + at.channel,
          at.count);
    store_octet<Wide>(dx.data + pixel * dx.pitch + at.channel, v, at.count);
  }
}

Sides sides_of(const Queue& queue, const ConstView& x, const ConstView& y, const ConstView& written) {
  return {columns_of(queue, written.pixels(), written.c), x.h, x.w, y.h, y.w, x.c, (y.c - x.c) / 2};
}

}  // namespace

template <>
void run(const Queue& queue, const ShortcutAForward& op, Workspace) {
  const Sides s = sides_of(queue, op.x, op.y, op.y);
  if (op.y.elements() == 0) return;
  with_type(op.name, op.y.type, [&](auto type) {
    using T = decltype(type);
    const auto run = [&](auto wide) {
      launch(queue, op.name, forward_kernel<wide.value, T>, dim3(s.shape.grid()), s, input_pixels<T>(op.x),
             output_pixels<T>(op.y));
    };
    if (s.first % octet != 0)
      run(std::false_type{});
    else
      with_width(run, op.x, op.y);
  });
}

template <>
void run(const Queue& queue, const ShortcutABackward& op, Workspace) {
  const Sides s = sides_of(queue, op.dx, op.dy, op.dx);
  if (op.dx.elements() == 0) return;
  with_type(op.name, op.dx.type, [&](auto type) {
    using T = decltype(type);
    const auto run = [&](auto wide) {
      launch(queue, op.name, backward_kernel<wide.value, T>, dim3(s.shape.grid()), s, input_pixels<T>(op.dy),
             output_pixels<T>(op.dx));
    };
    if (s.first % octet != 0)
      run(std::false_type{});
    else
      with_width(run, op.dy, op.dx);
  });
}

}  // namespace thaw::cuda
