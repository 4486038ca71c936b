// Windows of pooling in device code, and what its launchers share. For .cu files only. Gradients gather:
// every input asks the windows that hold it, so nothing is added from two threads.
#pragma once

#include "kernels/cuda/columns.h"

namespace thaw::cuda {

struct PoolGeometry {
  Columns shape;  // over the pixels that are written
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

inline void check_pool(const char* op, const Pool2dSpec& s, const ConstView& x, const ConstView& y) {
  same_type(op, x, y);
  require(x.n == y.n && x.c == y.c && y.h == s.out_size(x.h) && y.w == s.out_size(x.w), op,
          "input and output do not fit the window");
  require(s.kernel <= 15, op, "a kernel above 15");
}

inline PoolGeometry geometry_of(const Queue& queue, const Pool2dSpec& s, const ConstView& x,
                                const ConstView& y, const ConstView& written) {
  return {columns_of(queue, written.pixels(), written.c),
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
