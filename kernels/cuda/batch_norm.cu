#include "kernels/cuda/batch_norm.h"

#include "kernels/cuda/ops.h"

namespace thaw::cuda {
namespace {

template <class T>
struct ApplyArguments {
  Columns shape;
  Pixels<const T> x, residual;  // residual null: none
  Pixels<T> y;
  NormParameters norm;
  std::uint8_t* mask;  // null: not wanted
  bool relu;
};

// 16-byte loads of a thread before the first is used, and blocks that fit a multiprocessor so.
template <class T, bool Wide>
constexpr int apply_in_flight = Wide && sizeof(T) == 2 ? 2 : 1;
constexpr unsigned apply_blocks(bool residual) {
  return residual ? 3 : 4;
}

// A thread reads its octets before it writes them, so y may be x or residual.
template <bool Wide, bool Residual, class T>
__global__ void __launch_bounds__(block_threads, apply_blocks(Residual)) apply_kernel(ApplyArguments<T> a) {
  constexpr int in_flight = apply_in_flight<T, Wide>;
  const Place at(a.shape);
  if (at.count == 0) return;
  const Normalize normalize(a.norm, at);
  for (std::int64_t first = at.pixel; first < a.shape.pixels; first += in_flight * at.step) {
    RawOctet<T> x[in_flight], residual[in_flight] = {};
#pragma unroll
    for (int i = 0; i < in_flight; ++i) {
      std::int64_t pixel = first + i * at.step;
      if (pixel >= a.shape.pixels) pixel = first;
      x[i] = load_raw<Wide>(a.x.data + pixel * a.x.pitch + at.channel, at.count);
      if constexpr (Residual)
        residual[i] = load_raw<Wide>(a.residual.data + pixel * a.residual.pitch + at.channel, at.count);
    }
#pragma unroll
    for (int i = 0; i < in_flight; ++i) {
      const std::int64_t pixel = first + i * at.step;
      if (pixel >= a.shape.pixels) break;
      float v[octet];
      unsigned bits = 0;
#pragma unroll
      for (int k = 0; k < octet; ++k) {
        v[k] = normalize(x[i][k], k) + residual[i][k];
        if (k < at.count && v[k] > 0.0f) bits |= 1u << k;
        if (a.relu && v[k] <= 0.0f) v[k] = 0.0f;  // NaN stays NaN
      }
      store_octet<Wide>(a.y.data + pixel * a.y.pitch + at.channel, v, at.count);
      if (a.mask != nullptr)
        a.mask[pixel * ((a.shape.channels + 7) / 8) + at.channel / octet] = static_cast<std::uint8_t>(bits);
    }
  }
}

template <class T>
struct GradientArguments {
  Columns shape;
  Pixels<const T> dy, x;  // x null: statistics were constants
  Pixels<T> dx, dresidual;
  NormParameters norm;
  const float *sum_g, *sum_g_xhat;
  const std::uint8_t* mask;
  bool adds;
};

template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads) gradient_kernel(GradientArguments<T> a) {
  const Place at(a.shape);
  if (at.count == 0) return;
  const bool moving = a.sum_g != nullptr;
  const NormGradient d(a.norm, a.sum_g, a.sum_g_xhat, a.shape.pixels, at);
  for (std::int64_t pixel = at.pixel; pixel < a.shape.pixels; pixel += at.step) {
    float g[octet], x[octet] = {}, before[octet] = {};
    load_octet<Wide>(g, a.dy.data + pixel * a.dy.pitch + at.channel, at.count);
    if (moving) load_octet<Wide>(x, a.x.data + pixel * a.x.pitch + at.channel, at.count);
    if (a.adds) load_octet<Wide>(before, a.dx.data + pixel * a.dx.pitch + at.channel, at.count);
    const unsigned bits =
        a.mask == nullptr ? 0xffu : a.mask[pixel * ((a.shape.channels + 7) / 8) + at.channel / octet];
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      if ((bits >> k & 1) == 0) g[k] = 0.0f;
      before[k] += d.from_g[k] * g[k];
      if (moving) before[k] += d.from_x[k] * (x[k] - d.mean[k]) + d.constant[k];
    }
    if (a.dresidual.data != nullptr)
      store_octet<Wide>(a.dresidual.data + pixel * a.dresidual.pitch + at.channel, g, at.count);
    if (a.dx.data != nullptr)
      store_octet<Wide>(a.dx.data + pixel * a.dx.pitch + at.channel, before, at.count);
  }
}

__global__ void __launch_bounds__(block_threads) running_kernel(BatchNormRunning op, float unbias) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t c = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; c < op.channels; c += step)
    move(op.running, c, op.mean[c], op.var[c], unbias);
}

}  // namespace

template <>
void run(const Queue& queue, const BatchNormApply& op, Workspace) {
  if (op.x.elements() == 0) return;
  with_type(op.name, op.x.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const bool residual{op.residual};
          const ApplyArguments<T> a{.shape = columns_of(queue, op.x.pixels(), op.x.c, apply_blocks(residual),
                                                        apply_in_flight<T, wide.value>),
                                    .x = input_pixels<T>(op.x),
                                    .residual = input_pixels<T>(op.residual),
                                    .y = output_pixels<T>(op.y),
                                    .norm = {.mean = op.mean,
                                             .var = op.var,
                                             .gamma = op.gamma,
                                             .beta = op.beta,
                                             .eps = op.spec.eps},
                                    .mask = op.relu_mask,
                                    .relu = op.spec.activation == Activation::relu};
          const auto kernel =
              residual ? apply_kernel<wide.value, true, T> : apply_kernel<wide.value, false, T>;
          launch(queue, op.name, kernel, dim3(a.shape.grid()), a);
        },
        op.x, op.residual, op.y);
  });
}

template <>
void run(const Queue& queue, const BatchNormBackwardApply& op, Workspace) {
  if (op.dy.elements() == 0) return;
  const ConstView x = op.sum_g == nullptr ? ConstView() : op.x;
  with_type(op.name, op.dy.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const GradientArguments<T> a{.shape = columns_of(queue, op.dy.pixels(), op.dy.c),
                                       .dy = input_pixels<T>(op.dy),
                                       .x = input_pixels<T>(x),
                                       .dx = output_pixels<T>(op.dx),
                                       .dresidual = output_pixels<T>(op.dresidual),
                                       .norm = {.mean = op.mean,
                                                .var = op.var,
                                                .gamma = op.gamma,
                                                .beta = nullptr,
                                                .eps = op.spec.eps},
                                       .sum_g = op.sum_g,
                                       .sum_g_xhat = op.sum_g_xhat,
                                       .mask = op.relu_mask,
                                       .adds = op.dx && op.into == Into::add};
          launch(queue, op.name, gradient_kernel<wide.value, T>, dim3(a.shape.grid()), a);
        },
        op.dy, x, op.dx, op.dresidual);
  });
}

template <>
void run(const Queue& queue, const BatchNormRunning& op, Workspace) {
  if (op.channels > 0)
    launch(queue, op.name, running_kernel, dim3(grid_for(queue, op.channels)), op, unbiasing(op.pixels));
}

}  // namespace thaw::cuda
