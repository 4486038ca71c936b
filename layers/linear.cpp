#include "layers/linear.h"

#include <cmath>

namespace thaw {

Variable linear(const Variable& x, Parameter& weight, Parameter* bias, Mode mode, const std::string& module) {
  Backend& backend = x.backend();
  const Shape& shape = x.value().shape();
  if (shape.rank() != 2 || shape[1] != weight.value.shape()[1])
    throw Error("linear " + module + ": takes [N, " + std::to_string(weight.value.shape()[1]) + "], got " +
                shape.text());
  const DType type = x.value().dtype();
  Tensor y = Tensor::empty(backend, {shape[0], weight.value.shape()[0]}, type);
  backend(LinearForward{.x = x.value().view(),
                        .weight = weight.weights(type),
                        .bias = bias != nullptr ? bias->value.as<float>() : nullptr,
                        .y = y.view()});
  const bool weight_wants = mode.wants(weight), bias_wants = bias != nullptr && mode.wants(*bias);
  const Tensor saved = weight_wants ? x.value() : Tensor();
  return record(
      std::move(y), "linear", module, {x}, weight_wants || bias_wants,
      [=, &backend, x = x.edge(), &weight](const Tensor& dy) {
        if (weight_wants)
          backend(LinearBackwardWeight{.x = saved.view(),
                                       .dy = dy.view(),
                                       .dweight = weight.grad.as<float>(),
                                       .into = weight.next_grad()});
        if (bias_wants)
          backend(BiasBackward{.dy = dy.view(), .dbias = bias->grad.as<float>(), .into = bias->next_grad()});
        if (!x.requires_grad()) return;
        Tensor dx = Tensor::empty(backend, shape, dy.dtype());
        backend(LinearBackwardData{.dy = dy.view(), .weight = weight.weights(dy.dtype()), .dx = dx.view()});
        x.accumulate(std::move(dx));
      });
}

Linear::Linear(std::int64_t in, std::int64_t out, bool bias_) : has_bias_(bias_) {
  add_parameter("weight", weight, {out, in});
  if (has_bias_) add_parameter("bias", bias, {out});
}

void Linear::reset_parameters(const Initializer& with) {
  const float bound = 1.0f / std::sqrt(static_cast<float>(in()));
  with.uniform(weight, bound);
  if (!has_bias_) return;
  if (with.rule() == InitialWeights::kaiming_fan_in)
    with.fill(bias, 0.0f);
  else
    with.uniform(bias, bound);
}

Variable Linear::forward(const Variable& x, Mode mode) {
  return linear(x, weight, has_bias_ ? &bias : nullptr, mode, path());
}

}  // namespace thaw
