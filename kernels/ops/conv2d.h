// Convolution as torch.nn.functional.conv2d (cross-correlation), its gradients, and the bias's.
#pragma once

#include "kernels/ops/op.h"

namespace thaw {

// Geometry as torch.nn.Conv2d. Weights lie as [out, kernel_h, kernel_w, in / groups] (KRSC).
struct Conv2dSpec {
  std::int64_t in = 0, out = 0;
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;

  std::int64_t out_h(std::int64_t h) const { return extent(h, kernel_h); }
  std::int64_t out_w(std::int64_t w) const { return extent(w, kernel_w); }
  std::int64_t weight_elements() const { return out * kernel_h * kernel_w * (in / groups); }
  std::int64_t weight_bytes(DType type) const {
    return weight_elements() * static_cast<std::int64_t>(item_size(type));
  }

 private:
  std::int64_t extent(std::int64_t size, std::int64_t kernel) const {
    const std::int64_t span = size + 2 * padding - dilation * (kernel - 1) - 1;
    if (span < 0)
      throw Error("conv2d: input of size " + std::to_string(size) + " with padding " +
                  std::to_string(padding) + " is smaller than the kernel of size " + std::to_string(kernel) +
                  "; use larger pictures");
    return span / stride + 1;
  }
};

namespace checks {

// `x`: the larger side or its gradient, `y`: the other. Throws Error that names `op` unless they fit `s`.
void conv2d(const char* op, const Conv2dSpec& s, const Named& x, const Named& y);
// Weights have the type of the activations.
void weights(const char* op, const Weights& weight, const Named& activations);

}  // namespace checks

// y = act(conv(x, weight) + bias + residual). ASSIGNS. With bias, residual and ReLU this is the folded
// convolution + BatchNorm + add + ReLU of frozen blocks.
struct Conv2dForward {
  static constexpr const char* name = "conv2d_forward";
  Conv2dSpec spec;
  ConstView x;                  // [N,H,W,in]
  Weights weight;               // KRSC, of x's type
  const float* bias = nullptr;  // [out]
  ConstView residual = {};      // shape of y
  Activation activation = Activation::none;
  View y;  // [N,out_h(H),out_w(W),out]

  void check() const {
    checks::conv2d(name, spec, {"x", x}, {"y", y});
    checks::activations(name, {{"x", x}, {"y", y}, {"residual", residual}});
    checks::weights(name, weight, {"x", x});
    if (residual) checks::same_shape(name, {"y", y}, {"residual", residual});
  }
  Cost cost() const {
    return {.flops = 2 * y.pixels() * spec.weight_elements(),
            .read = x.bytes() + spec.weight_bytes(weight.type) + (bias ? 4 * spec.out : 0) + residual.bytes(),
            .written = y.bytes()};
  }
};

// dx = gradient with respect to x. ASSIGNS or ADDS as `into` says.
struct Conv2dBackwardData {
  static constexpr const char* name = "conv2d_backward_data";
  Conv2dSpec spec;
  ConstView dy;    // shape of y
  Weights weight;  // KRSC, of dy's type
  View dx;         // shape of x
  Into into = Into::assign;

  void check() const {
    checks::conv2d(name, spec, {"dx", dx}, {"dy", dy});
    checks::activations(name, {{"dy", dy}, {"dx", dx}});
    checks::weights(name, weight, {"dy", dy});
  }
  Cost cost() const {
    return {.flops = 2 * dy.pixels() * spec.weight_elements(),
            .read = dy.bytes() + spec.weight_bytes(weight.type) + (into == Into::add ? dx.bytes() : 0),
            .written = dx.bytes()};
  }
};

// dweight = gradient with respect to the weights. ASSIGNS or ADDS as `into` says.
struct Conv2dBackwardWeight {
  static constexpr const char* name = "conv2d_backward_weight";
  Conv2dSpec spec;
  ConstView x;     // [N,H,W,in]
  ConstView dy;    // shape of y
  float* dweight;  // KRSC
  Into into;

  void check() const {
    checks::conv2d(name, spec, {"x", x}, {"dy", dy});
    checks::activations(name, {{"x", x}, {"dy", dy}});
  }
  Cost cost() const {
    const std::int64_t weights = spec.weight_bytes(DType::f32);
    return {.flops = 2 * dy.pixels() * spec.weight_elements(),
            .read = x.bytes() + dy.bytes() + (into == Into::add ? weights : 0),
            .written = weights};
  }
};

// dbias[c] = sum over pixels of dy[.,c]. ASSIGNS or ADDS as `into` says. Serves convolutions and linear
// layers.
struct BiasBackward {
  static constexpr const char* name = "bias_backward";
  ConstView dy;  // [N,H,W,C]
  float* dbias;  // [C]
  Into into;

  void check() const { checks::activations(name, {"dy", dy}); }
  Cost cost() const { return {.read = dy.bytes() + (into == Into::add ? 4 * dy.c : 0), .written = 4 * dy.c}; }
};

}  // namespace thaw
