// Convolution (torch.nn.Conv2d): differentiable function and module.
#pragma once

#include "layers/module.h"

namespace thaw {

// y = conv(x, weight) + bias; bias may be null. Gradients: dx accumulates, dweight and dbias go to the
// parameters.
Variable conv2d(const Variable& x, const Conv2dSpec& spec, Parameter& weight, Parameter* bias, Mode mode,
                const std::string& module);

// Gives x the gradient of a convolution whose output's is dy: ADDS to one that x already has, where that
// lies, else ASSIGNS a new one. x: an edge that wants a gradient, of the given shape.
void give_input_gradient(const Variable& x, const Shape& shape, const Conv2dSpec& spec, Weights weight,
                         const Tensor& dy);

struct Conv2dConfig {
  std::int64_t in = 0, out = 0, kernel = 1;
  std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
  bool bias = false;
};

// A convolution's weights with a BatchNorm folded in, kept by conv_bn_act; `key` holds the versions it was
// made from.
struct FoldedWeights {
  Tensor weight;  // as Conv2d::weight, in the activations' precision
  Tensor bias;    // f32 [out]
  std::uint64_t key[5] = {};
};

class Conv2d : public Module {
 public:
  explicit Conv2d(const Conv2dConfig& config);
  Variable forward(const Variable& x, Mode mode) override;
  // Kaiming: normal with std sqrt(2 / fan), fan = kh * kw / groups times out or in; bias 0. uniform_fan_in:
  // weight and bias uniform in +-1 / sqrt(in * kh * kw / groups) (torch.nn.Conv2d's default).
  void reset_parameters(const Initializer& with) override;

  const Conv2dSpec& spec() const { return spec_; }
  bool has_bias() const { return has_bias_; }
  Parameter weight;  // logical [out, in / groups, k, k], in memory KRSC
  Parameter bias;    // [out], only if has_bias()
  FoldedWeights folded;

 private:
  Conv2dSpec spec_;
  bool has_bias_;
};

// [N, out, OH, OW] of a convolution's result; throws Error naming `module` if x does not fit.
Shape conv2d_output_shape(const Shape& x, const Conv2dSpec& spec, const std::string& module);

}  // namespace thaw
