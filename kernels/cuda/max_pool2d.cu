#include "kernels/cuda/ops.h"
#include "kernels/cuda/pool2d.h"

namespace thaw::cuda {
namespace {

template <bool Wide>
__device__ void store_bytes(std::uint8_t* to, const unsigned (&from)[octet], int count) {
  if constexpr (Wide) {
    Vector<std::uint8_t, octet> bytes;
#pragma unroll
    for (int k = 0; k < octet; ++k) bytes.v[k] = static_cast<std::uint8_t>(from[k]);
    store<octet>(to, bytes);
  } else {
#pragma unroll
    for (int k = 0; k < octet; ++k)
      if (k < count) to[k] = static_cast<std::uint8_t>(from[k]);
  }
}

template <bool Wide>
__device__ void load_bytes(unsigned (&to)[octet], const std::uint8_t* from, int count) {
  if constexpr (Wide) {
    const auto bytes = load<octet>(from);
#pragma unroll
    for (int k = 0; k < octet; ++k) to[k] = bytes.v[k];
  } else {
#pragma unroll
    for (int k = 0; k < octet; ++k) to[k] = k < count ? from[k] : 255u;
  }
}

template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads)
    max_forward_kernel(PoolGeometry g, Pixels<const T> x, Pixels<T> y, std::uint8_t* index) {
  const Place at(g.shape);
  if (at.count == 0) return;
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    const Position p = position_of(pixel, g.out_h, g.out_w);
    const Span rows = span_of(g, p.y, g.in_h), columns = span_of(g, p.x, g.in_w);
    float best[octet];
    unsigned winner[octet];
    bool first = true;
    for (std::int64_t iy = rows.begin; iy < rows.end; ++iy)
      for (std::int64_t ix = columns.begin; ix < columns.end; ++ix) {
        float in[octet];
        load_octet<Wide>(in, x.data + ((p.n * g.in_h + iy) * g.in_w + ix) * x.pitch + at.channel, at.count);
        const auto place = static_cast<unsigned>((iy - rows.start) * g.kernel + ix - columns.start);
#pragma unroll
        for (int k = 0; k < octet; ++k)
          if (first || in[k] > best[k] || (in[k] != in[k] && best[k] == best[k])) {  // the first NaN wins
            best[k] = in[k];
            winner[k] = place;
          }
        first = false;
      }
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
    const Windows rows = windows_of(g, p.y, g.out_h), columns = windows_of(g, p.x, g.out_w);
    float sum[octet] = {};
    for (std::int64_t oy = rows.first; oy <= rows.last; ++oy)
      for (std::int64_t ox = columns.first; ox <= columns.last; ++ox) {
        const std::int64_t out = (p.n * g.out_h + oy) * g.out_w + ox;
        const auto place = static_cast<unsigned>((p.y - oy * g.stride + g.padding) * g.kernel + p.x -
                                                 ox * g.stride + g.padding);
        float in[octet];
        unsigned winner[octet];
        load_octet<Wide>(in, dy.data + out * dy.pitch + at.channel, at.count);
        load_bytes<Wide>(winner, index + out * g.shape.channels + at.channel, at.count);
#pragma unroll
        for (int k = 0; k < octet; ++k)
          if (winner[k] == place) sum[k] += in[k];
      }
    store_octet<Wide>(dx.data + pixel * dx.pitch + at.channel, sum, at.count);
  }
}

// Index bytes move eight at a time where their pixels begin at multiples of eight.
ConstView bytes_view(const ConstView& like, const std::uint8_t* index) {
  ConstView view = like;
  view.data = index;
  view.type = DType::u8;
  view.pitch = view.c;
  return view;
}

}  // namespace

void max_pool2d_forward(const Queue& queue, const Pool2dSpec& spec, ConstView x, View y,
                        std::uint8_t* index) {
  const char* op = "max_pool2d_forward";
  check_pool(op, spec, x, y);
  if (y.elements() == 0) return;
  with_type(op, y.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const PoolGeometry g = geometry_of(queue, spec, x, y, y);
          launch(queue, op, max_forward_kernel<wide.value, T>, dim3(g.shape.grid()), g, input_pixels<T>(x),
                 output_pixels<T>(y), index);
        },
        x, y, bytes_view(y, index));
  });
}

void max_pool2d_backward(const Queue& queue, const Pool2dSpec& spec, ConstView dy, const std::uint8_t* index,
                         View dx) {
  const char* op = "max_pool2d_backward";
  check_pool(op, spec, dx, dy);
  if (dx.elements() == 0) return;
  with_type(op, dx.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const PoolGeometry g = geometry_of(queue, spec, dx, dy, dx);
          launch(queue, op, max_backward_kernel<wide.value, T>, dim3(g.shape.grid()), g, input_pixels<T>(dy),
                 index, output_pixels<T>(dx));
        },
        dy, dx, bytes_view(dy, index));
  });
}

}  // namespace thaw::cuda
