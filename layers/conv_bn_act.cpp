#include "layers/conv_bn_act.h"

#include <cmath>

namespace thaw {

namespace {

// Computes the folded weights of a convolution, in double on the host, into the tensors of `folded`.
void fold(Backend& backend, const Conv2d& conv, const BatchNorm2d& bn, FoldedWeights& folded) {
  const std::int64_t out = conv.spec().out;
  const std::int64_t row = conv.spec().weight_elements() / out;
  Tensor weight = conv.weight.value.to_host();
  const Tensor gamma = bn.weight.value.to_host(), beta = bn.bias.value.to_host();
  const Tensor mean = bn.running_mean.value.to_host(), var = bn.running_var.value.to_host();
  const Tensor conv_bias = conv.has_bias() ? conv.bias.value.to_host() : Tensor::zeros_host({out});
  Tensor bias = Tensor::empty_host({out});
  for (std::int64_t o = 0; o < out; ++o) {
    const double scale = gamma.as<float>()[o] / std::sqrt(static_cast<double>(var.as<float>()[o]) + bn.eps);
    for (std::int64_t i = 0; i < row; ++i) {
      float& w = weight.as<float>()[o * row + i];
      w = static_cast<float>(w * scale);
    }
    bias.as<float>()[o] =
        static_cast<float>(beta.as<float>()[o] + (conv_bias.as<float>()[o] - mean.as<float>()[o]) * scale);
  }
  folded.bias.copy_from(bias);
  if (folded.weight.dtype() == DType::f32) return folded.weight.copy_from(weight);
  const Tensor exact = weight.to(backend);
  backend(Copy{.x = exact.view(), .y = folded.weight.view()});
}

}  // namespace

const FoldedWeights& folded_weights(Backend& backend, Conv2d& conv, const BatchNorm2d& bn, DType type) {
  FoldedWeights& kept = conv.folded;
  const bool fits = kept.weight.defined() && kept.weight.dtype() == type && kept.weight.backend() == &backend;
  const std::uint64_t key[] = {conv.weight.version, conv.has_bias() ? conv.bias.version : 0,
                               bn.weight.version, bn.bias.version, bn.running_var.version};
  if (!fits) {
    kept.weight = Tensor::empty(backend, conv.weight.value.shape(), type);
    kept.bias = Tensor::empty(backend, {conv.spec().out});
  }
  if (!fits || !std::equal(std::begin(key), std::end(key), std::begin(kept.key))) {
    fold(backend, conv, bn, kept);
    std::copy(std::begin(key), std::end(key), std::begin(kept.key));
  }
  return kept;
}

namespace {

Variable folded_forward(const Variable& x, Conv2d& conv, BatchNorm2d& bn, const Variable& residual,
                        Activation activation) {
  Backend& backend = x.backend();
  const DType type = x.value().dtype();
  const FoldedWeights folded = folded_weights(backend, conv, bn, type);
  Tensor y = Tensor::empty(backend, conv2d_output_shape(x.value().shape(), conv.spec(), conv.path()), type);
  backend(Conv2dForward{.spec = conv.spec(),
                        .x = x.value().view(),
                        .weight = {folded.weight.data(), type},
                        .bias = folded.bias.as<float>(),
                        .residual = residual.defined() ? ConstView(residual.value().view()) : ConstView(),
                        .activation = activation,
                        .y = y.view()});
  const bool wanted = x.requires_grad() || residual.requires_grad();
  const Tensor saved_y = wanted && activation == Activation::relu ? y : Tensor();
  return record(std::move(y), "conv_bn_act", conv.path(), {x, residual}, false,
                [=, &backend, x = x.edge(), residual = residual.edge(), spec = conv.spec(),
                 shape = x.value().shape()](const Tensor& dy) {
                  Tensor g = dy;
                  if (saved_y.defined()) {
                    g = Tensor::empty(backend, dy.shape(), dy.dtype());
                    backend(ReluBackward{.dy = dy.view(), .y = saved_y.view(), .dx = g.view()});
                  }
                  if (x.requires_grad()) give_input_gradient(x, shape, spec, {folded.weight.data(), type}, g);
                  if (residual.requires_grad()) residual.accumulate(std::move(g));
                });
}

}  // namespace

bool folds(const Conv2d& conv, const BatchNorm2d& bn, Mode mode) {
  return !bn.uses_batch(mode) && !conv.wants_gradient(mode) && !bn.wants_gradient(mode);
}

Variable conv_bn_act(const Variable& x, Conv2d& conv, BatchNorm2d& bn, const Variable& residual,
                     Activation activation, Mode mode) {
  if (folds(conv, bn, mode)) return folded_forward(x, conv, bn, residual, activation);
  return batch_norm(conv.forward(x, mode), bn, residual, activation, mode);
}

}  // namespace thaw
