// BatchNorm + ReLU + max-pooling: what lies between is computed anew for every window and never written.
#include "kernels/cuda/batch_norm.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/pool2d.h"
#include "kernels/cuda/reduce.h"

namespace thaw::cuda {
namespace {

template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads)
    norm_pool_kernel(PoolGeometry g, NormParameters norm, Pixels<const T> x, Pixels<T> y,
                     std::uint8_t* index) {
  const Place at(g.shape);
  if (at.count == 0) return;
  const Normalize normalize(norm, at);
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    const Position p = position_of(pixel, g.out_h, g.out_w);
    float best[octet];
    unsigned winner[octet];
    window_maximum<Wide>(g, p, x, at, best, winner, normalize);
#pragma unroll
    for (int k = 0; k < octet; ++k)
      // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): every window holds an input
      if (best[k] <= 0.0f) {  // NaN stays NaN
        best[k] = 0.0f;
        winner[k] = no_winner;
      }
    store_octet<Wide>(y.data + pixel * y.pitch + at.channel, best, at.count);
    if (index != nullptr) store_bytes<Wide>(index + pixel * g.shape.channels + at.channel, winner, at.count);
  }
}

struct Means {
  float v[octet];
};

// Sums of g and g * (x - mean) over the pixels of x.
template <class T, bool Wide>
struct WonGradients {
  PoolGeometry g;
  NormParameters norm;
  Pixels<const T> dy, x;
  const std::uint8_t* index;
  float *sum_g, *sum_g_xhat;

  __device__ Means constants(const Place& at) const {
    Means m;
    load_channels(m.v, norm.mean + at.channel, at.count);
    return m;
  }
  __device__ void add(const Means& m, std::int64_t pixel, const Place& at, float (&run)[2][octet]) const {
    float won[octet] = {}, in[octet];
    load_octet<Wide>(in, x.data + pixel * x.pitch + at.channel, at.count);
    sum_of_won<Wide>(g, position_of(pixel, g.in_h, g.in_w), dy, index, at, won);
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      run[0][k] += won[k];
      run[1][k] += won[k] * (in[k] - m.v[k]);
    }
  }
  __device__ void finish(std::int64_t channel, const double (&sums)[2]) const {
    sum_g[channel] = static_cast<float>(sums[0]);
    sum_g_xhat[channel] = static_cast<float>(sums[1]) * inverse_deviation(norm.var[channel], norm.eps);
  }
};

// sum_g null: statistics were constants, and x is not read.
template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads)
    norm_pool_gradient_kernel(PoolGeometry g, NormParameters norm, const float* sum_g,
                              const float* sum_g_xhat, Pixels<const T> dy, const std::uint8_t* index,
                              Pixels<const T> x, Pixels<T> dx) {
  const Place at(g.shape);
  if (at.count == 0) return;
  const NormGradient d(norm, sum_g, sum_g_xhat, g.shape.pixels, at);
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    float v[octet] = {}, in[octet] = {};
    if (sum_g != nullptr) load_octet<Wide>(in, x.data + pixel * x.pitch + at.channel, at.count);
    sum_of_won<Wide>(g, position_of(pixel, g.in_h, g.in_w), dy, index, at, v);
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      v[k] *= d.from_g[k];
      if (sum_g != nullptr) v[k] += d.from_x[k] * (in[k] - d.mean[k]) + d.constant[k];
    }
    store_octet<Wide>(dx.data + pixel * dx.pitch + at.channel, v, at.count);
  }
}

}  // namespace

template <>
void run(const Queue& queue, const NormReluPoolForward& op, Workspace) {
  if (op.y.elements() == 0) return;
  const NormParameters parameters{
      .mean = op.mean, .var = op.var, .gamma = op.gamma, .beta = op.beta, .eps = op.norm.eps};
  with_type(op.name, op.y.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const PoolGeometry g = geometry_of(queue, op.pool, op.x, op.y, op.y);
          launch(queue, op.name, norm_pool_kernel<wide.value, T>, dim3(g.shape.grid()), g, parameters,
                 input_pixels<T>(op.x), output_pixels<T>(op.y), op.index);
        },
        op.x, op.y, bytes_view(op.y, op.index));
  });
}

std::size_t workspace_bytes(const Queue& queue, const NormReluPoolBackwardReduce& op) {
  return column_sums_bytes(columns_of(queue, op.x.pixels(), op.x.c), 2);
}

template <>
void run(const Queue& queue, const NormReluPoolBackwardReduce& op, Workspace workspace) {
  const NormParameters parameters{
      .mean = op.mean, .var = op.var, .gamma = nullptr, .beta = nullptr, .eps = op.norm.eps};
  with_type(op.name, op.x.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const PoolGeometry g = geometry_of(queue, op.pool, op.x, op.dy, op.x);
          const WonGradients<T, wide.value> f{.g = g,
                                              .norm = parameters,
                                              .dy = input_pixels<T>(op.dy),
                                              .x = input_pixels<T>(op.x),
                                              .index = op.index,
                                              .sum_g = op.sum_g,
                                              .sum_g_xhat = op.sum_g_xhat};
          column_sums<2>(queue, op.name, f, g.shape, workspace);
        },
        op.dy, op.x, bytes_view(op.dy, op.index));
  });
}

template <>
void run(const Queue& queue, const NormReluPoolBackwardApply& op, Workspace) {
  if (op.dx.elements() == 0) return;
  const NormParameters parameters{
      .mean = op.mean, .var = op.var, .gamma = op.gamma, .beta = nullptr, .eps = op.norm.eps};
  with_type(op.name, op.dx.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const PoolGeometry g = geometry_of(queue, op.pool, op.dx, op.dy, op.dx);
          launch(queue, op.name, norm_pool_gradient_kernel<wide.value, T>, dim3(g.shape.grid()), g,
                 parameters, op.sum_g, op.sum_g_xhat, input_pixels<T>(op.dy), op.index, input_pixels<T>(op.x),
                 output_pixels<T>(op.dx));
        },
        op.dy, op.x, op.dx, bytes_view(op.dy, op.index));
  });
}

}  // namespace thaw::cuda
