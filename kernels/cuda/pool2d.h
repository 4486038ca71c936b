// Windows of pooling in device code, and what its launchers share. For .cu files only. Gradients gather:
// every input asks the windows that hold it, so nothing is added from two threads.
#pragma once

#include "kernels/cuda/columns.h"

namespace thaw::cuda {

struct PoolGeometry {
  Columns shape;  // over the pixels that are walked
  std::int64_t in_h, in_w, out_h, out_w, kernel, stride, padding;
  bool include_pad;
};

struct Position {
  std::int64_t n, y, x;
};

__device__ inline Position position_of(std::int64_t pixel, std::int64_t h, std::int64_t w) {
  const std::int64_t row = divide(pixel, w), n = divide(row, h);
  return {n, row - n * h, pixel - row * w};
}

__device__ inline std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}
__device__ inline std::int64_t larger(std::int64_t a, std::int64_t b) {
  return a > b ? a : b;
}

// One window along one axis: its inputs [begin, end) inside the picture, `start` before clipping, and the
// length that counts for the divisor when padding counts (what ceil_mode adds beyond it never does).
struct Span {
  std::int64_t start, begin, end, padded;
};

__device__ inline Span span_of(const PoolGeometry& g, std::int64_t out, std::int64_t size) {
  const std::int64_t start = out * g.stride - g.padding;
  return {start, larger(start, 0), smaller(start + g.kernel, size),
          smaller(start + g.kernel, size + g.padding) - start};
}

// The windows [first, last] along one axis that hold input `in`.
struct Windows {
  std::int64_t first, last;
};

__device__ inline Windows windows_of(const PoolGeometry& g, std::int64_t in, std::int64_t outs) {
  const auto at = static_cast<std::uint32_t>(in + g.padding), stride = static_cast<std::uint32_t>(g.stride);
  const auto kernel = static_cast<std::uint32_t>(g.kernel);
  const std::uint32_t first = at < kernel ? 0 : (at - kernel) / stride + 1;
  return {first, smaller(at / stride, outs - 1)};
}

template <bool Wide>
__device__ inline void store_bytes(std::uint8_t* to, const unsigned (&from)[octet], int count) {
  if constexpr (Wide) {
    Vector<std::uint8_t, octet> bytes;
#pragma unroll
    // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): every window holds an input
    for (int k = 0; k < octet; ++k) bytes.v[k] = static_cast<std::uint8_t>(from[k]);
    store<octet>(to, bytes);
  } else {
#pragma unroll
    for (int k = 0; k < octet; ++k)
      if (k < count)
        to[k] = static_cast<std::uint8_t>(from[k]);  // NOLINT(clang-analyzer-core.uninitialized.Assign)
  }
}

template <bool Wide>
__device__ inline void load_bytes(unsigned (&to)[octet], const std::uint8_t* from, int count) {
  if constexpr (Wide) {
    const auto bytes = load<octet>(from);
#pragma unroll
    for (int k = 0; k < octet; ++k) to[k] = bytes.v[k];
  } else {
#pragma unroll
    for (int k = 0; k < octet; ++k) to[k] = k < count ? from[k] : 255u;
  }
}

// The maximum of value(input, k) over the window of output p, for the channels of a place, and the place in
// the window where it stands: of equals the first, of NaNs the last.
template <bool Wide, class T, class F>
__device__ void window_maximum(const PoolGeometry& g, const Position& p, const Pixels<const T>& x,
                               const Place& at, float (&best)[octet], unsigned (&winner)[octet], F value) {
  const Span rows = span_of(g, p.y, g.in_h), columns = span_of(g, p.x, g.in_w);
  const auto width = static_cast<unsigned>(g.kernel);
  bool first = true;
  for (std::int64_t iy = rows.begin; iy < rows.end; ++iy) {
    const T* from = x.data + ((p.n * g.in_h + iy) * g.in_w + columns.begin) * x.pitch + at.channel;
    unsigned place =
        static_cast<unsigned>(iy - rows.start) * width + static_cast<unsigned>(columns.begin - columns.start);
    for (std::int64_t ix = columns.begin; ix < columns.end; ++ix, ++place, from += x.pitch) {
      float in[octet];
      load_octet<Wide>(in, from, at.count);
#pragma unroll
      for (int k = 0; k < octet; ++k) {
        const float v = value(in[k], k);
        if (first || v > best[k] || v != v) {
          best[k] = v;
          winner[k] = place;
        }
      }
      first = false;
    }
  }
}

// The sum of dy over the windows that input p won, for the channels of a place. There are few of them;
// unrolled, they take registers that the kernels around need.
template <bool Wide, class T>
__device__ void sum_of_won(const PoolGeometry& g, const Position& p, const Pixels<const T>& dy,
                           const std::uint8_t* index, const Place& at, float (&sum)[octet]) {
  const Windows rows = windows_of(g, p.y, g.out_h), columns = windows_of(g, p.x, g.out_w);
#pragma unroll 1
  for (std::int64_t oy = rows.first; oy <= rows.last; ++oy)
#pragma unroll 1
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
}

// Index bytes move eight at a time where their pixels begin at multiples of eight.
inline ConstView bytes_view(const ConstView& like, const std::uint8_t* index) {
  ConstView view = like;
  view.data = index;
  view.type = DType::u8;
  view.pitch = view.c;
  return view;
}

inline PoolGeometry geometry_of(const Queue& queue, const Pool2dSpec& s, const ConstView& x,
                                const ConstView& y, const ConstView& walked) {
  return {columns_of(queue, walked.pixels(), walked.c),
          x.h,
          x.w,
          y.h,
          y.w,
          s.kernel,
          s.stride,
          s.padding,
          s.count_include_pad};
}

}  // namespace thaw::cuda
