#include "kernels/cuda/ops.h"
#include "kernels/cuda/pool2d.h"

namespace thaw::cuda {
namespace {

template <bool Wide, int Kernel, class T>
__global__ void __launch_bounds__(block_threads)
    max_forward_kernel(PoolGeometry g, Pixels<const T> x, Pixels<T> y, std::uint8_t* index) {
  const Place at(g.shape);
  if (at.count == 0) return;
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    const Position p = position_of(pixel, g.out_h, g.out_w);
    float best[octet];
    unsigned winner[octet];
    window_maximum<Wide, Kernel>(g, p, x, at, best, winner, [](float value, int) { return value; });
    store_octet<Wide>(y.data + pixel * y.pitch + at.channel, best, at.count);
    if (index != nullptr) store_bytes<Wide>(index + pixel * g.shape.channels + at.channel, winner, at.count);
  }
}

template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads)
    max_backward_kernel(PoolGeometry g, Pixels<const T> dy, const std::uint8_t* index, Pixels<T> dx) {
  const Place at(g.shape);
  if (at.count == 0) return;
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    const Position p = position_of(pixel, g.in_h, g.in_w);
    float sum[octet] = {};
    sum_of_won<Wide>(g, p, dy, index, at, sum);
    store_octet<Wide>(dx.data + pixel * dx.pitch + at.channel, sum, at.count);
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    max_cells_kernel(PoolGeometry g, Pixels<const T> dy, const std::uint8_t* index, Pixels<T> dx) {
  const Place at(g.shape);
  if (at.count == 0) return;
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    const Cell<T> cell(g, pixel, dy, index, at);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (!cell.exists(i)) continue;
      float sum[octet];
#pragma unroll
      for (int k = 0; k < octet; ++k) sum[k] = cell.won(i, k);
      store_octet<true>(dx.data + cell.input(g, i) * dx.pitch + at.channel, sum, octet);
    }
  }
}

}  // namespace

template <>
void run(const Queue& queue, const MaxPool2dForward& op, Workspace) {
  if (op.y.elements() == 0) return;
  with_type(op.name, op.y.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const PoolGeometry g = geometry_of(queue, op.spec, op.x, op.y, op.y);
          auto kernel = max_forward_kernel<wide.value, 0, T>;
          if constexpr (wide.value)
            if (op.spec.kernel == 3) kernel = max_forward_kernel<true, 3, T>;
          launch(queue, op.name, kernel, dim3(g.shape.grid()), g, input_pixels<T>(op.x),
                 output_pixels<T>(op.y), op.index);
        },
        op.x, op.y, bytes_view(op.y, op.index));
  });
}

template <>
void run(const Queue& queue, const MaxPool2dBackward& op, Workspace) {
  if (op.dx.elements() == 0) return;
  with_type(op.name, op.dx.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const bool cells = wide.value && in_cells(op.spec, op.dx, op.dy);
          const PoolGeometry g = geometry_of(queue, op.spec, op.dx, op.dy, cells ? op.dy : ConstView(op.dx));
          const auto kernel = cells ? max_cells_kernel<T> : max_backward_kernel<wide.value, T>;
          launch(queue, op.name, kernel, dim3(g.shape.grid()), g, input_pixels<T>(op.dy), op.index,
                 output_pixels<T>(op.dx));
        },
        op.dy, op.dx, bytes_view(op.dy, op.index));
  });
}

}  // namespace thaw::cuda
