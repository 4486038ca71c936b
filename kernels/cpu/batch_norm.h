// What the ops that normalise share.
#pragma once

#include <cmath>

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

inline float inverse_deviation(const BatchNormSpec& spec, float var) {
  return 1.0f / std::sqrt(var + spec.eps);
}

// Per channel gamma / sqrt(var + eps), for the length of one op.
class Scales {
 public:
  Scales(BlockCache& cache, const BatchNormSpec& spec, Index channels, const float* var, const float* gamma);
  const float* data() const { return scratch_.as<float>(); }

 private:
  Scratch scratch_;
};

// The threads' shares of sum g and of sum g * (x - mean), f64 [parts, 2, channels], and what they join to.
class GradientSums {
 public:
  GradientSums(BlockCache& cache, Index channels, Index parts);
  double* g(Index part) const { return scratch_.as<double>() + part * 2 * channels_; }
  double* gx(Index part) const { return g(part) + channels_; }
  void join(const BatchNormSpec& spec, const float* var, float* sum_g, float* sum_g_xhat,
            const ChannelGradient& dgamma, const ChannelGradient& dbeta) const;

 private:
  Index channels_, parts_;
  Scratch scratch_;
};

// Per channel the coefficients of dx = from_g * g + from_x * (x - mean) + constant. sum_g null: statistics
// were constants.
class GradientCoefficients {
 public:
  GradientCoefficients(BlockCache& cache, const BatchNormSpec& spec, Index channels, Index pixels,
                       const float* var, const float* gamma, const float* sum_g, const float* sum_g_xhat);
  const float* from_g() const { return scratch_.as<float>(); }
  const float* from_x() const { return from_g() + channels_; }
  const float* constant() const { return from_x() + channels_; }

 private:
  Index channels_;
  Scratch scratch_;
};

}  // namespace thaw::cpu
