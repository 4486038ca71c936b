#include "kernels/cuda/columns.h"
#include "kernels/cuda/ops.h"

namespace thaw::cuda {
namespace {

// Here the pixels of `shape` are pictures; short runs are f32, what they join is double.
template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads)
    forward_kernel(Columns shape, std::int64_t area, Pixels<const T> x, Pixels<T> y) {
  const Place at(shape);
  if (at.count == 0) return;
  for (std::int64_t n = at.pixel; n < shape.pixels; n += at.step) {
    double total[octet] = {};
    for (std::int64_t p = 0; p < area;) {
      float run[octet] = {};
#pragma unroll 4
      for (int i = 0; i < 16 && p < area; ++i, ++p) {
        float in[octet];
        load_octet<Wide>(in, x.data + (n * area + p) * x.pitch + at.channel, at.count);
#pragma unroll
        for (int k = 0; k < octet; ++k) run[k] += in[k];
      }
#pragma unroll
      for (int k = 0; k < octet; ++k) total[k] += static_cast<double>(run[k]);
    }
    float mean[octet];
#pragma unroll
    for (int k = 0; k < octet; ++k) mean[k] = static_cast<float>(total[k]) / static_cast<float>(area);
    store_octet<Wide>(y.data + n * y.pitch + at.channel, mean, at.count);
  }
}

template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads)
    backward_kernel(Columns shape, std::int64_t area, Pixels<const T> dy, Pixels<T> dx) {
  const Place at(shape);
  if (at.count == 0) return;
  for (std::int64_t pixel = at.pixel; pixel < shape.pixels; pixel += at.step) {
    float g[octet];
    load_octet<Wide>(g, dy.data + divide(pixel, area) * dy.pitch + at.channel, at.count);
#pragma unroll
    for (int k = 0; k < octet; ++k) g[k] /= static_cast<float>(area);
    store_octet<Wide>(dx.data + pixel * dx.pitch + at.channel, g, at.count);
  }
}

}  // namespace

template <>
void run(const Queue& queue, const GlobalAvgPoolForward& op, Workspace) {
  if (op.y.elements() == 0) return;
  with_type(op.name, op.y.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const Columns shape = columns_of(queue, op.x.n, op.x.c);
          launch(queue, op.name, forward_kernel<wide.value, T>, dim3(shape.grid()), shape, op.x.h * op.x.w,
                 input_pixels<T>(op.x), output_pixels<T>(op.y));
        },
        op.x, op.y);
  });
}

template <>
void run(const Queue& queue, const GlobalAvgPoolBackward& op, Workspace) {
  if (op.dx.elements() == 0) return;
  with_type(op.name, op.dx.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const Columns shape = columns_of(queue, op.dx.pixels(), op.dx.c);
          launch(queue, op.name, backward_kernel<wide.value, T>, dim3(shape.grid()), shape, op.dx.h * op.dx.w,
                 input_pixels<T>(op.dy), output_pixels<T>(op.dx));
        },
        op.dy, op.dx);
  });
}

}  // namespace thaw::cuda
