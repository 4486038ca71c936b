// What the kernels that normalise share. For .cu files only.
#pragma once

#include "kernels/cuda/columns.h"
#include "kernels/ops/batch_norm.h"

namespace thaw::cuda {

__device__ inline float inverse_deviation(float var, float eps) {
  return 1.0f / sqrtf(var + eps);
}

// The means of the channels of a place.
struct Means {
  float v[octet];
};

__device__ inline Means means_of(const float* mean, const Place& at) {
  Means m;
  load_channels(m.v, mean + at.channel, at.count);
  return m;
}

// Where the sums of a BatchNorm's gradient go.
struct GradientOutputs {
  float *sum_g = nullptr, *sum_g_xhat = nullptr;
  ChannelGradient dgamma{}, dbeta{};

  __device__ void give(std::int64_t channel, float g, float g_xhat) const {
    sum_g[channel] = g;
    sum_g_xhat[channel] = g_xhat;
    give(dgamma, channel, g_xhat);
    give(dbeta, channel, g);
  }

 private:
  static __device__ void give(const ChannelGradient& to, std::int64_t channel, float sum) {
    if (to.data != nullptr) to.data[channel] = to.into == Into::add ? to.data[channel] + sum : sum;
  }
};

// One step of running statistics; `unbias` as unbiasing() says.
__device__ inline void move(const RunningStatistics& to, std::int64_t channel, float mean, float var,
                            float unbias) {
  to.mean[channel] += to.momentum * (mean - to.mean[channel]);
  to.var[channel] += to.momentum * (unbias * var - to.var[channel]);
}

// The channels of a BatchNorm, f32 each; `eps` as BatchNormSpec's.
struct NormParameters {
  const float *mean, *var, *gamma, *beta;
  float eps;
};

// (x - mean) * scale + shift for the channels of a place.
struct Normalize {
  float mean[octet], scale[octet], shift[octet];

  __device__ Normalize(const NormParameters& p, const Place& at) {
    float var[octet];
    load_channels(mean, p.mean + at.channel, at.count);
    load_channels(var, p.var + at.channel, at.count);
    load_channels(scale, p.gamma + at.channel, at.count);
    load_channels(shift, p.beta + at.channel, at.count);
#pragma unroll
    for (int k = 0; k < octet; ++k) scale[k] *= inverse_deviation(var[k], p.eps);
  }
  __device__ float operator()(float x, int k) const {
    return (x - mean[k]) * scale[k] + shift[k];
  }
};

// dx = from_g * g + from_x * (x - mean) + constant for the channels of a place. sum_g null: statistics were
// constants, and only from_g is not 0.
struct NormGradient {
  float mean[octet] = {}, from_g[octet] = {}, from_x[octet] = {}, constant[octet] = {};

  __device__ NormGradient(const NormParameters& p, const float* sum_g, const float* sum_g_xhat,
                          std::int64_t pixels, const Place& at) {
    const float share = 1.0f / static_cast<float>(pixels);
    float var[octet], g[octet] = {}, g_xhat[octet] = {};
    load_channels(var, p.var + at.channel, at.count);
    load_channels(from_g, p.gamma + at.channel, at.count);
    if (sum_g != nullptr) {
      load_channels(mean, p.mean + at.channel, at.count);
      load_channels(g, sum_g + at.channel, at.count);
      load_channels(g_xhat, sum_g_xhat + at.channel, at.count);
    }
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      const float inverse = inverse_deviation(var[k], p.eps);
      from_g[k] *= inverse;
      from_x[k] = -from_g[k] * inverse * g_xhat[k] * share;
      constant[k] = -from_g[k] * g[k] * share;
    }
  }
};

}  // namespace thaw::cuda
