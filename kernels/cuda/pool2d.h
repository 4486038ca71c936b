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

// The pixel of the picture at row 2y + `row` and column 2x + `column`: an input of the square of output p.
__device__ inline std::int64_t input_of(const PoolGeometry& g, const Position& p, int row, int column) {
  return (p.n * g.in_h + 2 * p.y + row) * g.in_w + 2 * p.x + column;
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

// A step of window_maximum. Of equals the first wins, of NaNs the last.
template <class F>
__device__ inline void challenge(float in, unsigned place, int k, bool first, float& best, unsigned& winner,
                                 F value) {
  const float v = value(in, k);
  if (!first && !(v > best) && v == v) return;
  best = v;
  winner = place;
}

// The maximum of value(input, k) over the window of output p, for the channels of a place, and the place in
// the window where it stands. Kernel 3: that size, with all loads in flight at once; 0: any size.
template <bool Wide, int Kernel, class T, class F>
__device__ void window_maximum(const PoolGeometry& g, const Position& p, const Pixels<const T>& x,
                               const Place& at, float (&best)[octet], unsigned (&winner)[octet], F value) {
  const Span rows = span_of(g, p.y, g.in_h), columns = span_of(g, p.x, g.in_w);
  bool first = true;
  if constexpr (Kernel > 0) {
    RawOctet<T> in[Kernel][Kernel];
#pragma unroll
    for (int ky = 0; ky < Kernel; ++ky)
#pragma unroll
      for (int kx = 0; kx < Kernel; ++kx) {
        // Beyond the picture an input of the window once more: a load behind a branch would wait.
        const std::int64_t iy = smaller(larger(rows.start + ky, rows.begin), rows.end - 1),
                           ix = smaller(larger(columns.start + kx, columns.begin), columns.end - 1);
        in[ky][kx] =
            load_raw<Wide>(x.data + ((p.n * g.in_h + iy) * g.in_w + ix) * x.pitch + at.channel, at.count);
      }
#pragma unroll
    for (int ky = 0; ky < Kernel; ++ky)
#pragma unroll
      for (int kx = 0; kx < Kernel; ++kx) {
        const std::int64_t iy = rows.start + ky, ix = columns.start + kx;
        if (iy < rows.begin || iy >= rows.end || ix < columns.begin || ix >= columns.end) continue;
#pragma unroll
        for (int k = 0; k < octet; ++k)
          challenge(in[ky][kx][k], static_cast<unsigned>(ky * Kernel + kx), k, first, best[k], winner[k],
                    value);
        first = false;
      }
    return;
  }
  const auto width = static_cast<unsigned>(g.kernel);
  for (std::int64_t iy = rows.begin; iy < rows.end; ++iy) {
    const T* from = x.data + ((p.n * g.in_h + iy) * g.in_w + columns.begin) * x.pitch + at.channel;
    unsigned place =
        static_cast<unsigned>(iy - rows.start) * width + static_cast<unsigned>(columns.begin - columns.start);
    for (std::int64_t ix = columns.begin; ix < columns.end; ++ix, ++place, from += x.pitch) {
      float in[octet];
      load_octet<Wide>(in, from, at.count);
#pragma unroll
      for (int k = 0; k < octet; ++k) challenge(in[k], place, k, first, best[k], winner[k], value);
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

// Gradients of a 3x3 window with stride 2 and padding 1, the stem's of ResNet and DenseNet, by cells: output
// (y, x) and the inputs (2y, 2x), (2y, 2x + 1), (2y + 1, 2x), (2y + 1, 2x + 1), which no other windows hold
// than (y, x), (y, x + 1), (y + 1, x) and (y + 1, x + 1). Four loads serve four inputs, which apart would
// take nine.
inline bool in_cells(const Pool2dSpec& s, const ConstView& x, const ConstView& y) {
  return s.kernel == 3 && s.stride == 2 && s.padding == 1 && y.h == (x.h + 1) / 2 && y.w == (x.w + 1) / 2;
}

template <class T>
struct Cell {
  RawOctet<T> dy[4];
  Vector<std::uint8_t, octet> winner[4];
  Position p;
  bool bottom, right;  // whether the picture has the inputs (2y + 1, .) and (., 2x + 1)

  Cell() = default;
  __device__ Cell(const PoolGeometry& g, std::int64_t cell, const Pixels<const T>& gradient,
                  const std::uint8_t* index, const Place& at)
      : p(position_of(cell, g.out_h, g.out_w)) {
    bottom = 2 * p.y + 1 < g.in_h;
    right = 2 * p.x + 1 < g.in_w;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const std::int64_t oy = p.y + i / 2, ox = p.x + i % 2;
      const bool inside = oy < g.out_h && ox < g.out_w;
      const std::int64_t out = inside ? (p.n * g.out_h + oy) * g.out_w + ox : cell;
      dy[i] = load_raw<true>(gradient.data + out * gradient.pitch + at.channel, octet);
      winner[i] = load<octet>(index + out * g.shape.channels + at.channel);
      if (!inside)
#pragma unroll
        for (int k = 0; k < octet; ++k) winner[i].v[k] = no_winner;
    }
  }

  // The pixel of input i of the cell; where the picture has none, that of its first.
  __device__ std::int64_t input(const PoolGeometry& g, int i) const {
    const bool here = exists(i);
    return input_of(g, p, here ? i / 2 : 0, here ? i % 2 : 0);
  }
  __device__ bool exists(int i) const {
    return (i < 2 || bottom) && (i % 2 == 0 || right);
  }

  // The sum of dy over the windows that input i won, the windows in the order of the picture.
  __device__ float won(int i, int k) const {
    float sum = 0.0f;
#pragma unroll
    for (int w = 0; w < 4; ++w) {
      const int ky = i / 2 + 1 - 2 * (w / 2), kx = i % 2 + 1 - 2 * (w % 2);  // where the input stands in it
      if (ky < 0 || kx < 0) continue;
      if (winner[w].v[k] == ky * 3 + kx) sum += dy[w][k];
    }
    return sum;
  }
};

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
