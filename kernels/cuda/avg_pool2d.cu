#include "kernels/cuda/ops.h"
#include "kernels/cuda/pool2d.h"

namespace thaw::cuda {
namespace {

__device__ float divisor_of(const PoolGeometry& g, const Span& y, const Span& x) {
  return static_cast<float>(g.include_pad ? y.padded * x.padded : (y.end - y.begin) * (x.end - x.begin));
}

// Windows of kernel x kernel that tile the picture: nothing is clipped, each input belongs to one window.
bool tiles(const Pool2dSpec& s, const ConstView& x, const ConstView& y) {
  return s.kernel == 2 && s.stride == 2 && s.padding == 0 && x.h == 2 * y.h && x.w == 2 * y.w;
}

// A transition's pooling: the four inputs of a window at once.
template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads)
    avg_tiles_kernel(PoolGeometry g, Pixels<const T> x, Pixels<T> y) {
  const Place at(g.shape);
  if (at.count == 0) return;
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    const Position p = position_of(pixel, g.out_h, g.out_w);
    RawOctet<T> in[4];
#pragma unroll
    for (int i = 0; i < 4; ++i)
      in[i] = load_raw<Wide>(x.data + input_of(g, p, i / 2, i % 2) * x.pitch + at.channel, at.count);
    float mean[octet];
#pragma unroll
    for (int k = 0; k < octet; ++k) mean[k] = (in[0][k] + in[1][k] + in[2][k] + in[3][k]) * 0.25f;
    store_octet<Wide>(y.data + pixel * y.pitch + at.channel, mean, at.count);
  }
}

template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads)
    avg_tiles_gradient_kernel(PoolGeometry g, Pixels<const T> dy, Pixels<T> dx) {
  const Place at(g.shape);
  if (at.count == 0) return;
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    const Position p = position_of(pixel, g.out_h, g.out_w);
    float share[octet];
    load_octet<Wide>(share, dy.data + pixel * dy.pitch + at.channel, at.count);
#pragma unroll
    for (int k = 0; k < octet; ++k) share[k] *= 0.25f;
#pragma unroll
    for (int i = 0; i < 4; ++i)
      store_octet<Wide>(dx.data + input_of(g, p, i / 2, i % 2) * dx.pitch + at.channel, share, at.count);
  }
}

// Two blocks at least: left to itself, ptxas spills on sm_80 to fit more.
template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads, 2)
    avg_forward_kernel(PoolGeometry g, Pixels<const T> x, Pixels<T> y) {
  const Place at(g.shape);
  if (at.count == 0) return;
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    const Position p = position_of(pixel, g.out_h, g.out_w);
    const Span rows = span_of(g, p.y, g.in_h), columns = span_of(g, p.x, g.in_w);
    float sum[octet] = {};
    const T* line = x.data + ((p.n * g.in_h + rows.begin) * g.in_w + columns.begin) * x.pitch + at.channel;
    for (std::int64_t iy = rows.begin; iy < rows.end; ++iy, line += g.in_w * x.pitch) {
      const T* from = line;
      for (std::int64_t ix = columns.begin; ix < columns.end; ++ix, from += x.pitch) {
        float in[octet];
        load_octet<Wide>(in, from, at.count);
#pragma unroll
        for (int k = 0; k < octet; ++k) sum[k] += in[k];
      }
    }
    const float share = 1.0f / divisor_of(g, rows, columns);
#pragma unroll
    for (int k = 0; k < octet; ++k) sum[k] *= share;
    store_octet<Wide>(y.data + pixel * y.pitch + at.channel, sum, at.count);
  }
}

template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads)
    avg_backward_kernel(PoolGeometry g, Pixels<const T> dy, Pixels<T> dx) {
  const Place at(g.shape);
  if (at.count == 0) return;
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    const Position p = position_of(pixel, g.in_h, g.in_w);
    const Windows rows = windows_of(g, p.y, g.out_h), columns = windows_of(g, p.x, g.out_w);
    float sum[octet] = {};
    for (std::int64_t oy = rows.first; oy <= rows.last; ++oy)
      for (std::int64_t ox = columns.first; ox <= columns.last; ++ox) {
        const float share = 1.0f / divisor_of(g, span_of(g, oy, g.in_h), span_of(g, ox, g.in_w));
        const std::int64_t out = (p.n * g.out_h + oy) * g.out_w + ox;
        float in[octet];
        load_octet<Wide>(in, dy.data + out * dy.pitch + at.channel, at.count);
#pragma unroll
        for (int k = 0; k < octet; ++k) sum[k] += in[k] * share;
      }
    store_octet<Wide>(dx.data + pixel * dx.pitch + at.channel, sum, at.count);
  }
}

}  // namespace

template <>
void run(const Queue& queue, const AvgPool2dForward& op, Workspace) {
  if (op.y.elements() == 0) return;
  with_type(op.name, op.y.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const PoolGeometry g = geometry_of(queue, op.spec, op.x, op.y, op.y);
          const auto kernel = tiles(op.spec, op.x, op.y) ? avg_tiles_kernel<wide.value, T>
                                                         : avg_forward_kernel<wide.value, T>;
          launch(queue, op.name, kernel, dim3(g.shape.grid()), g, input_pixels<T>(op.x),
                 output_pixels<T>(op.y));
        },
        op.x, op.y);
  });
}

template <>
void run(const Queue& queue, const AvgPool2dBackward& op, Workspace) {
  if (op.dx.elements() == 0) return;
  with_type(op.name, op.dx.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const bool tiled = tiles(op.spec, op.dx, op.dy);
          const PoolGeometry g = geometry_of(queue, op.spec, op.dx, op.dy, tiled ? op.dy : ConstView(op.dx));
          const auto kernel =
              tiled ? avg_tiles_gradient_kernel<wide.value, T> : avg_backward_kernel<wide.value, T>;
          launch(queue, op.name, kernel, dim3(g.shape.grid()), g, input_pixels<T>(op.dy),
                 output_pixels<T>(op.dx));
        },
        op.dy, op.dx);
  });
}

}  // namespace thaw::cuda
