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

void norm_relu_pool_forward(const Queue& queue, const BatchNormSpec& norm, const Pool2dSpec& pool,
                            ConstView x, const float* mean, const float* var, const float* gamma,
                            const float* beta, View y, std::uint8_t* index) {
  const char* op = "norm_relu_pool_forward";
  check_pool(op, pool, x, y);
  if (y.elements() == 0) return;
  const NormParameters parameters{mean, var, gamma, beta, norm.eps};
  with_type(op, y.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const PoolGeometry g = geometry_of(queue, pool, x, y, y);
          launch(queue, op, norm_pool_kernel<wide.value, T>, dim3(g.shape.grid()), g, parameters,
                 input_pixels<T>(x), output_pixels<T>(y), index);
        },
        x, y, bytes_view(y, index));
  });
}

void norm_relu_pool_backward_reduce(const Queue& queue, const BatchNormSpec& norm, const Pool2dSpec& pool,
                                    ConstView dy, const std::uint8_t* index, ConstView x, const float* mean,
                                    const float* var, float* sum_g, float* sum_g_xhat, Workspace workspace) {
  const char* op = "norm_relu_pool_backward_reduce";
  check_pool(op, pool, x, dy);
  const NormParameters parameters{mean, var, nullptr, nullptr, norm.eps};
  with_type(op, x.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const PoolGeometry g = geometry_of(queue, pool, x, dy, x);
          const WonGradients<T, wide.value> f{g,     parameters, input_pixels<T>(dy), input_pixels<T>(x),
                                              index, sum_g,      sum_g_xhat};
          column_sums<2>(queue, op, f, g.shape, workspace);
        },
        dy, x, bytes_view(dy, index));
  });
}

void norm_relu_pool_backward_apply(const Queue& queue, const BatchNormSpec& norm, const Pool2dSpec& pool,
                                   ConstView dy, const std::uint8_t* index, ConstView x, const float* mean,
                                   const float* var, const float* gamma, const float* sum_g,
                                   const float* sum_g_xhat, View dx) {
  const char* op = "norm_relu_pool_backward_apply";
  check_pool(op, pool, dx, dy);
  same_shape(op, dx, x);
  same_type(op, dx, x);
  require(sum_g == nullptr || x, op, "x is needed where statistics were computed from it");
  if (dx.elements() == 0) return;
  const NormParameters parameters{mean, var, gamma, nullptr, norm.eps};
  with_type(op, dx.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const PoolGeometry g = geometry_of(queue, pool, dx, dy, dx);
          launch(queue, op, norm_pool_gradient_kernel<wide.value, T>, dim3(g.shape.grid()), g, parameters,
                 sum_g, sum_g_xhat, input_pixels<T>(dy), index, input_pixels<T>(x), output_pixels<T>(dx));
        },
        dy, x, dx, bytes_view(dy, index));
  });
}

}  // namespace thaw::cuda
