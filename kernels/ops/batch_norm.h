// BatchNorm in four ops (Ioffe & Szegedy 2015; torch.nn.functional.batch_norm): statistics; apply (+ residual
// + ReLU); backward reduce; backward apply. And the step of its running statistics.
#pragma once

#include "kernels/ops/op.h"

namespace thaw {

struct BatchNormSpec {
  float eps = 1e-5f;
  Activation activation = Activation::none;  // applied after the optional residual add
};

// Bytes of a ReLU mask: one bit per value, each pixel's row rounded up to whole bytes, value c at bit c % 8
// of byte c / 8.
constexpr std::int64_t relu_mask_bytes(std::int64_t pixels, std::int64_t channels) {
  return pixels * ((channels + 7) / 8);
}

namespace checks {

// Throws Error that names `op` unless a channel has the two values that an unbiased variance needs.
void unbiased(const char* op, std::int64_t pixels);

}  // namespace checks

// What a step of training moves: running += momentum * (value - running), where the value of `var` is the
// unbiased variance, that of the batch times pixels / (pixels - 1) (torch.nn.BatchNorm2d).
struct RunningStatistics {
  float* mean = nullptr;  // [C]; null: not wanted
  float* var = nullptr;   // [C]
  float momentum = 0.1f;
};

// Times this a biased variance is the unbiased one.
constexpr float unbiasing(std::int64_t pixels) {
  return static_cast<float>(pixels) / static_cast<float>(pixels - 1);
}

// The gradient of gamma or beta. ASSIGNS or ADDS as `into` says.
struct ChannelGradient {
  float* data = nullptr;  // [C]; null: not wanted
  Into into = Into::assign;

  std::int64_t bytes_read(std::int64_t channels) const {
    return data && into == Into::add ? 4 * channels : 0;
  }
  std::int64_t bytes_written(std::int64_t channels) const { return data ? 4 * channels : 0; }
};

// Mean and biased variance per channel over all pixels, two-pass or Welford. ASSIGNS.
struct BatchNormStatistics {
  static constexpr const char* name = "batch_norm_statistics";
  ConstView x;                     // [N,H,W,C]
  float* mean;                     // [C]
  float* var;                      // [C]
  RunningStatistics running = {};  // moved by these

  void check() const {
    checks::activations(name, {"x", x});
    if (x.pixels() < 1)
      checks::refuse(name, checks::text({"x", x}) + " has no pixels; use a batch of at least one picture");
    if (running.mean != nullptr) checks::unbiased(name, x.pixels());
  }
  Cost cost() const {
    const std::int64_t moved = running.mean != nullptr ? 8 * x.c : 0;
    return {.read = x.bytes() + moved, .written = 8 * x.c + moved};
  }
};

// y = act((x - mean) / sqrt(var + eps) * gamma + beta + residual). ASSIGNS. In place allowed: y may be x or
// residual.
struct BatchNormApply {
  static constexpr const char* name = "batch_norm_apply";
  BatchNormSpec spec;
  ConstView x;              // [N,H,W,C]
  const float* mean;        // [C]
  const float* var;         // [C]
  const float* gamma;       // [C]
  const float* beta;        // [C]
  ConstView residual = {};  // shape of x
  View y;                   // shape of x
  // As relu_mask_bytes says, bit 1 where the value before ReLU is > 0; null: not wanted.
  std::uint8_t* relu_mask = nullptr;

  void check() const {
    checks::same_shape(name, {"x", x}, {"y", y});
    if (residual) checks::same_shape(name, {"x", x}, {"residual", residual});
    checks::activations(name, {{"x", x}, {"y", y}, {"residual", residual}});
  }
  Cost cost() const {
    return {.read = x.bytes() + residual.bytes() + 16 * x.c,
            .written = y.bytes() + (relu_mask ? relu_mask_bytes(x.pixels(), x.c) : 0)};
  }
};

// With g = dy where relu_mask is set (null: everywhere), else 0, and xhat = (x - mean) / sqrt(var + eps):
// sum_g[c] = sum g, sum_g_xhat[c] = sum g * xhat. ASSIGNS. They are also given to dbeta and dgamma.
struct BatchNormBackwardReduce {
  static constexpr const char* name = "batch_norm_backward_reduce";
  BatchNormSpec spec;
  ConstView dy;                   // [N,H,W,C]
  ConstView x;                    // shape of dy
  const float* mean;              // [C]
  const float* var;               // [C]
  const std::uint8_t* relu_mask;  // as BatchNormApply's
  float* sum_g;                   // [C]
  float* sum_g_xhat;              // [C]
  ChannelGradient dgamma = {}, dbeta = {};

  void check() const {
    checks::same_shape(name, {"dy", dy}, {"x", x});
    checks::activations(name, {{"dy", dy}, {"x", x}});
  }
  Cost cost() const {
    return {.read = dy.bytes() + x.bytes() + (relu_mask ? relu_mask_bytes(dy.pixels(), dy.c) : 0) + 8 * dy.c +
                    dgamma.bytes_read(dy.c) + dbeta.bytes_read(dy.c),
            .written = 8 * dy.c + dgamma.bytes_written(dy.c) + dbeta.bytes_written(dy.c)};
  }
};

// dx = gamma / sqrt(var + eps) * (g - (sum_g + xhat * sum_g_xhat) / pixels), ASSIGNS or ADDS as `into` says.
// sum_g null: statistics were constants (running ones), then dx = gamma / sqrt(var + eps) * g, and x may be
// null. dresidual = g. ASSIGNS. In place allowed: dx or dresidual may be dy.
struct BatchNormBackwardApply {
  static constexpr const char* name = "batch_norm_backward_apply";
  BatchNormSpec spec;
  ConstView dy;                   // [N,H,W,C]
  ConstView x;                    // shape of dy
  const float* mean;              // [C]
  const float* var;               // [C]
  const float* gamma;             // [C]
  const std::uint8_t* relu_mask;  // as BatchNormApply's
  const float* sum_g;             // [C], as BatchNormBackwardReduce's
  const float* sum_g_xhat;        // [C]
  View dx;                        // shape of dy; null: not wanted
  Into into;
  View dresidual = {};  // shape of dy; null: not wanted

  void check() const {
    if (x) checks::same_shape(name, {"dy", dy}, {"x", x});
    if (dx) checks::same_shape(name, {"dy", dy}, {"dx", dx});
    if (dresidual) checks::same_shape(name, {"dy", dy}, {"dresidual", dresidual});
    checks::activations(name, {{"dy", dy}, {"x", x}, {"dx", dx}, {"dresidual", dresidual}});
    if (sum_g != nullptr && !x)
      checks::refuse(name,
                     checks::text({"dy", dy}) + " without x; statistics of a batch need the x they are of");
  }
  Cost cost() const {
    return {.read = dy.bytes() + (sum_g ? x.bytes() + 16 * dy.c : 0) + (into == Into::add ? dx.bytes() : 0) +
                    (relu_mask ? relu_mask_bytes(dy.pixels(), dy.c) : 0) + 8 * dy.c,
            .written = dx.bytes() + dresidual.bytes()};
  }
};

// Running statistics moved by statistics that are known; ADDS, as RunningStatistics says.
struct BatchNormRunning {
  static constexpr const char* name = "batch_norm_running";
  const float* mean;  // [C]
  const float* var;   // [C], biased
  std::int64_t channels, pixels;
  RunningStatistics running;

  void check() const {
    checks::not_negative(name, "channels", channels);
    checks::unbiased(name, pixels);
  }
  Cost cost() const { return {.read = 16 * channels, .written = 8 * channels}; }
};

}  // namespace thaw
