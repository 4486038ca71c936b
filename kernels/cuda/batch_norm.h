// What the kernels that normalise share. For .cu files only.
#pragma once

#include "kernels/cuda/columns.h"

namespace thaw::cuda {

__device__ inline float inverse_deviation(float var, float eps) {
  return 1.0f / sqrtf(var + eps);
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
    load_channels(mean, p.mean + at.channel, at.count);
    load_channels(shift, p.beta + at.channel, at.count);
#pragma unroll
    for (int k = 0; k < octet; ++k)
      scale[k] =
          k < at.count ? p.gamma[at.channel + k] * inverse_deviation(p.var[at.channel + k], p.eps) : 0.0f;
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
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      if (k >= at.count) continue;
      const std::int64_t c = at.channel + k;
      const float inverse = inverse_deviation(p.var[c], p.eps);
      from_g[k] = p.gamma[c] * inverse;
      if (sum_g == nullptr) continue;
      mean[k] = p.mean[c];
      from_x[k] = -from_g[k] * inverse * sum_g_xhat[c] * share;
      constant[k] = -from_g[k] * sum_g[c] * share;
    }
  }
};

}  // namespace thaw::cuda
