#include "layers/conv2d.h"

#include <cmath>

namespace thaw {

Shape conv2d_output_shape(const Shape& x, const Conv2dSpec& spec, const std::string& module) {
  if (x.rank() != 4 || x[1] != spec.in)
    throw Error("conv2d " + module + ": takes [N, " + std::to_string(spec.in) + ", H, W], got " + x.text());
  return {x[0], spec.out, spec.out_h(x[2]), spec.out_w(x[3])};
}

void give_input_gradient(const Variable& x, const Shape& shape, const Conv2dSpec& spec, Weights weight,
                         const Tensor& dy) {
  Tensor dx = x.own_gradient();
  const Into into = dx.defined() ? Into::add : Into::assign;
  if (into == Into::assign) dx = Tensor::empty(x.backend(), shape, dy.dtype());
  x.backend()(
      Conv2dBackwardData{.spec = spec, .dy = dy.view(), .weight = weight, .dx = dx.view(), .into = into});
  if (into == Into::assign) x.accumulate(std::move(dx));
}

Variable conv2d(const Variable& x, const Conv2dSpec& spec, Parameter& weight, Parameter* bias, Mode mode,
                const std::string& module) {
  Backend& backend = x.backend();
  const DType type = x.value().dtype();
  Tensor y = Tensor::empty(backend, conv2d_output_shape(x.value().shape(), spec, module), type);
  backend(Conv2dForward{.spec = spec,
                        .x = x.value().view(),
                        .weight = weight.weights(type),
                        .bias = bias != nullptr ? bias->value.as<float>() : nullptr,
                        .y = y.view()});

  const bool weight_wants = mode.wants(weight), bias_wants = bias != nullptr && mode.wants(*bias);
  const Tensor saved = weight_wants ? x.value() : Tensor();
  return record(
      std::move(y), "conv2d", module, {x}, weight_wants || bias_wants,
      [=, &backend, x = x.edge(), &weight, shape = x.value().shape()](const Tensor& dy) {
        if (weight_wants)
          backend(Conv2dBackwardWeight{.spec = spec,
                                       .x = saved.view(),
                                       .dy = dy.view(),
                                       .dweight = weight.grad.as<float>(),
                                       .into = weight.next_grad()});
        if (bias_wants)
          backend(BiasBackward{.dy = dy.view(), .dbias = bias->grad.as<float>(), .into = bias->next_grad()});
        if (x.requires_grad()) give_input_gradient(x, shape, spec, weight.weights(dy.dtype()), dy);
      });
}

Conv2d::Conv2d(const Conv2dConfig& c)
    : spec_{.in = c.in,
            .out = c.out,
            .kernel_h = c.kernel,
            .kernel_w = c.kernel,
            .stride = c.stride,
            .padding = c.padding,
            .dilation = c.dilation,
            .groups = c.groups},
      has_bias_(c.bias) {
  add_parameter("weight", weight, {c.out, c.in / c.groups, c.kernel, c.kernel});
  if (has_bias_) add_parameter("bias", bias, {c.out});
}

void Conv2d::reset_parameters(const Initializer& with) {
  const std::int64_t kernel = spec_.kernel_h * spec_.kernel_w;
  if (with.rule() == InitialWeights::uniform_fan_in) {
    const float bound = 1.0f / std::sqrt(static_cast<float>(spec_.in * kernel / spec_.groups));
    with.uniform(weight, bound);
    if (has_bias_) with.uniform(bias, bound);
    return;
  }
  const std::int64_t channels = with.rule() == InitialWeights::kaiming_fan_in ? spec_.in : spec_.out;
  with.normal(weight, std::sqrt(2.0 / static_cast<double>(channels * kernel / spec_.groups)));
  if (has_bias_) with.fill(bias, 0.0f);
}

Variable Conv2d::forward(const Variable& x, Mode mode) {
  return conv2d(x, spec_, weight, has_bias_ ? &bias : nullptr, mode, path());
}

}  // namespace thaw
