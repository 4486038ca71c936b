// BatchNorm + ReLU + max-pooling, the stem of ResNet and DenseNet, without writing what lies between.
#pragma once

#include "kernels/ops/batch_norm.h"
#include "kernels/ops/pool2d.h"

namespace thaw {

// y = max_pool2d(max((x - mean) / sqrt(var + eps) * gamma + beta, 0)). ASSIGNS. bf16: values are compared
// before they are rounded. Batch statistics are BatchNormStatistics of x.
struct NormReluPoolForward {
  static constexpr const char* name = "norm_relu_pool_forward";
  BatchNormSpec norm;  // its activation is not read
  Pool2dSpec pool;     // kernel <= 15
  ConstView x;         // [N,H,W,C]
  const float* mean;   // [C]
  const float* var;    // [C]
  const float* gamma;  // [C]
  const float* beta;   // [C]
  View y;              // [N,out_size(H),out_size(W),C]
  // As MaxPool2dForward's, but no_winner where the maximum is 0: ReLU passes no gradient there.
  std::uint8_t* index = nullptr;

  void check() const {
    checks::pool2d(name, pool, {"x", x}, {"y", y});
    checks::places(name, pool);
    checks::activations(name, {{"x", x}, {"y", y}});
  }
  Cost cost() const {
    return {.read = x.bytes() + 16 * x.c, .written = y.bytes() + (index ? y.elements() : 0)};
  }
};

// With g (shape of x) = sum of dy over the windows that this input won, and xhat = (x - mean) / sqrt(var +
// eps): sum_g[c] = sum g, sum_g_xhat[c] = sum g * xhat. ASSIGNS. They are also given to dbeta and
// dgamma.
struct NormReluPoolBackwardReduce {
  static constexpr const char* name = "norm_relu_pool_backward_reduce";
  BatchNormSpec norm;
  Pool2dSpec pool;            // kernel <= 15
  ConstView dy;               // shape of y
  const std::uint8_t* index;  // as NormReluPoolForward's
  ConstView x;                // [N,H,W,C]
  const float* mean;          // [C]
  const float* var;           // [C]
  float* sum_g;               // [C]
  float* sum_g_xhat;          // [C]
  ChannelGradient dgamma = {}, dbeta = {};

  void check() const {
    checks::pool2d(name, pool, {"x", x}, {"dy", dy});
    checks::places(name, pool);
    checks::activations(name, {{"dy", dy}, {"x", x}});
  }
  Cost cost() const {
    return {.read = dy.bytes() + dy.elements() + x.bytes() + 8 * x.c + dgamma.bytes_read(x.c) +
                    dbeta.bytes_read(x.c),
            .written = 8 * x.c + dgamma.bytes_written(x.c) + dbeta.bytes_written(x.c)};
  }
};

// dx = gamma / sqrt(var + eps) * (g - (sum_g + xhat * sum_g_xhat) / pixels of x). ASSIGNS. sum_g null:
// statistics were constants, then dx = gamma / sqrt(var + eps) * g, and x may be null.
struct NormReluPoolBackwardApply {
  static constexpr const char* name = "norm_relu_pool_backward_apply";
  BatchNormSpec norm;
  Pool2dSpec pool;            // kernel <= 15
  ConstView dy;               // shape of y
  const std::uint8_t* index;  // as NormReluPoolForward's
  ConstView x;                // shape of dx
  const float* mean;          // [C]
  const float* var;           // [C]
  const float* gamma;         // [C]
  const float* sum_g;         // [C], as NormReluPoolBackwardReduce's
  const float* sum_g_xhat;    // [C]
  View dx;                    // [N,H,W,C]

  void check() const {
    checks::pool2d(name, pool, {"dx", dx}, {"dy", dy});
    checks::places(name, pool);
    if (x) checks::same_shape(name, {"dx", dx}, {"x", x});
    checks::activations(name, {{"dy", dy}, {"x", x}, {"dx", dx}});
    if (sum_g != nullptr && !x)
      checks::refuse(name,
                     checks::text({"dy", dy}) + " without x; statistics of a batch need the x they are of");
  }
  Cost cost() const {
    return {.read = dy.bytes() + dy.elements() + (sum_g ? x.bytes() + 16 * dx.c : 0) + 8 * dx.c,
            .written = dx.bytes()};
  }
};

}  // namespace thaw
