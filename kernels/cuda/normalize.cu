#include "kernels/cuda/columns.h"
#include "kernels/cuda/ops.h"

namespace thaw::cuda {
namespace {

template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads)
    normalize_kernel(Columns shape, std::int64_t height, std::int64_t width, const std::uint8_t* x,
                     std::int64_t channels, const float* mean, const float* std, const std::uint8_t* flip,
                     Pixels<T> y) {
  const Place at(shape);
  if (at.count == 0) return;
  float shift[octet] = {}, deviation[octet];
#pragma unroll
  for (int k = 0; k < octet; ++k) {
    const bool real = at.channel + k < channels;
    if (real) shift[k] = mean[at.channel + k];
    deviation[k] = real ? std[at.channel + k] : 1.0f;
  }
  for (std::int64_t pixel = at.pixel; pixel < shape.pixels; pixel += at.step) {
    std::int64_t from = pixel;
    if (flip != nullptr) {
      const std::int64_t row = divide(pixel, width), column = pixel - row * width;
      if (flip[divide(row, height)] != 0) from = row * width + width - 1 - column;
    }
    float v[octet];
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      const bool real = at.channel + k < channels;
      v[k] =
          real ? (static_cast<float>(x[from * channels + at.channel + k]) / 255.0f - shift[k]) / deviation[k]
               : 0.0f;
    }
    store_octet<Wide>(y.data + pixel * y.pitch + at.channel, v, at.count);
  }
}

}  // namespace

template <>
void run(const Queue& queue, const NormalizeU8& op, Workspace) {
  if (op.y.elements() == 0) return;
  with_type(op.name, op.y.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const Columns shape = columns_of(queue, op.y.pixels(), op.y.c);
          launch(queue, op.name, normalize_kernel<wide.value, T>, dim3(shape.grid()), shape, op.y.h, op.y.w,
                 op.x, op.channels, op.mean, op.std, op.flip, output_pixels<T>(op.y));
        },
        op.y);
  });
}

}  // namespace thaw::cuda
