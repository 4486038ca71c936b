#include "kernels/cuda/space_to_depth.h"

#include "kernels/cuda/columns.h"

namespace thaw::cuda {
namespace {

using bf16 = __nv_bfloat16;

// floor(a / 2), for a below zero too.
std::int64_t half(std::int64_t a) {
  return a >= 0 ? a / 2 : -((1 - a) / 2);
}

// A thread writes eight channels of a square, neighbours side by side. Channels: of a pixel; known to the
// compiler, so that dividing by it is cheap.
template <int Channels>
__global__ void __launch_bounds__(block_threads)
    squares_kernel(Squares s, std::int64_t count, std::int64_t height, std::int64_t width,
                   Pixels<const bf16> x, bf16* to) {
  const std::int64_t octets = s.to.in / octet;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    const std::int64_t square = divide(i, octets), line = divide(square, s.columns), n = divide(line, s.rows);
    const auto first = static_cast<int>(i - square * octets) * octet;
    const std::int64_t top = 2 * (line - n * s.rows + s.first_h),
                       left = 2 * (square - line * s.columns + s.first_w);
    Vector<bf16, octet> out;
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      const int place = (first + k) / Channels, channel = first + k - place * Channels;
      const std::int64_t row = top + place / 2, column = left + place % 2;
      const bool inside = place < 4 && row >= 0 && row < height && column >= 0 && column < width;
      if (inside)
        out.v[k] = x.data[((n * height + row) * width + column) * x.pitch + channel];
      else
        assign(out.v[k], 0.0f);
    }
    store<octet>(to + i * octet, out);
  }
}

// Where a weight of the squares [out, kernel_h, kernel_w, in] comes from; -1: nowhere, it is 0.
__device__ std::int64_t source_of(const Squares& s, std::int64_t i) {
  const std::int64_t tap = i / s.to.in, channel = i - tap * s.to.in;
  const std::int64_t row = tap / s.to.kernel_w, o = row / s.to.kernel_h;
  const std::int64_t place = channel / s.from.in;
  const std::int64_t ky = 2 * (row - o * s.to.kernel_h + s.first_h) + place / 2 + s.from.padding,
                     kx = 2 * (tap - row * s.to.kernel_w + s.first_w) + place % 2 + s.from.padding;
  if (place >= 4 || ky < 0 || ky >= s.from.kernel_h || kx < 0 || kx >= s.from.kernel_w) return -1;
  return ((o * s.from.kernel_h + ky) * s.from.kernel_w + kx) * s.from.in + channel - place * s.from.in;
}

__global__ void __launch_bounds__(block_threads)
    square_weights_kernel(Squares s, std::int64_t count, const bf16* from, bf16* to) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    const std::int64_t source = source_of(s, i);
    if (source >= 0)
      to[i] = from[source];
    else
      assign(to[i], 0.0f);
  }
}

// Every weight of s.from is the source of one of s.to.
__global__ void __launch_bounds__(block_threads)
    square_gradient_kernel(Squares s, std::int64_t count, const bf16* from, float* to, Into into) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    const std::int64_t source = source_of(s, i);
    if (source < 0) continue;
    const float before = into == Into::add ? to[source] : 0.0f;
    to[source] = before + to_float(from[i]);
  }
}

}  // namespace

bool Squares::fit(const Conv2dSpec& s, DType type) {
  return type == DType::bf16 && s.stride == 2 && s.dilation == 1 && s.groups == 1 && s.in <= 4 &&
         s.kernel_h > 2 && s.kernel_w > 2;
}

Squares::Squares(const Conv2dSpec& s, const ConstView& x, const ConstView& y)
    : from(s), to(s), n(x.n), first_h(half(-s.padding)), first_w(first_h) {
  to.in = (4 * s.in + octet - 1) / octet * octet;
  to.kernel_h = half(s.kernel_h - 1 - s.padding) - first_h + 1;
  to.kernel_w = half(s.kernel_w - 1 - s.padding) - first_w + 1;
  to.stride = 1;
  to.padding = 0;
  rows = y.h + to.kernel_h - 1;
  columns = y.w + to.kernel_w - 1;
}

ConstView Squares::input_view(const void* data) const {
  ConstView view;
  view.data = data;
  view.type = DType::bf16;
  view.n = n;
  view.h = rows;
  view.w = columns;
  view.c = view.pitch = to.in;
  return view;
}

void squares_of_input(const Queue& queue, const char* op, const Squares& s, const ConstView& x, void* to) {
  auto* kernel = s.from.in == 1   ? squares_kernel<1>
                 : s.from.in == 2 ? squares_kernel<2>
                 : s.from.in == 3 ? squares_kernel<3>
                                  : squares_kernel<4>;
  const std::int64_t count = s.input_elements() / octet;
  launch(queue, op, kernel, dim3(grid_for(queue, count)), s, count, x.h, x.w, input_pixels<bf16>(x),
         static_cast<bf16*>(to));
}

void squares_of_weights(const Queue& queue, const char* op, const Squares& s, const void* from, void* to) {
  const std::int64_t count = s.to.weight_elements();
  launch(queue, op, square_weights_kernel, dim3(grid_for(queue, count)), s, count,
         static_cast<const bf16*>(from), static_cast<bf16*>(to));
}

void gradient_of_squares(const Queue& queue, const char* op, const Squares& s, const void* from, float* to,
                         Into into) {
  const std::int64_t count = s.to.weight_elements();
  launch(queue, op, square_gradient_kernel, dim3(grid_for(queue, count)), s, count,
         static_cast<const bf16*>(from), to, into);
}

}  // namespace thaw::cuda
