#include "layers/norm_pass.h"

namespace thaw {

namespace {

View view_or_null(const Tensor& t) {
  return t.defined() ? t.view() : View();
}

const float* data_or_null(const Tensor& t) {
  return t.defined() ? t.as<float>() : nullptr;
}

}  // namespace

BatchStatistics pass_statistics(const Tensor& x, BatchNorm2d& bn, Mode mode, const BatchStatistics* known) {
  const View view = x.view();
  const std::int64_t channels = bn.weight.value.elements();
  if (view.c != channels)
    throw Error("batch_norm " + bn.path() + ": takes " + std::to_string(channels) + " channels, got " +
                x.shape().text());
  if (!bn.uses_batch(mode)) return {bn.running_mean.value, bn.running_var.value};
  bn.require_statistics(x.shape());
  Backend& backend = *x.backend();
  const RunningStatistics running = bn.move_running();
  if (known != nullptr) {
    backend(BatchNormRunning{.mean = known->mean.as<float>(),
                             .var = known->var.as<float>(),
                             .channels = channels,
                             .pixels = view.pixels(),
                             .running = running});
    return *known;
  }
  BatchStatistics statistics{Tensor::empty(backend, {channels}), Tensor::empty(backend, {channels})};
  backend(BatchNormStatistics{
      .x = view, .mean = statistics.mean.as<float>(), .var = statistics.var.as<float>(), .running = running});
  return statistics;
}

NormGradients norm_gradients(BatchNorm2d& bn, Mode mode) {
  const auto gradient = [mode](Parameter& p) {
    return mode.wants(p) ? ChannelGradient{p.grad.as<float>(), p.next_grad()} : ChannelGradient{};
  };
  return {gradient(bn.weight), gradient(bn.bias)};
}

void NormPass::forward(const Tensor& x, const Tensor& residual, const Tensor& y, std::uint8_t* mask) const {
  (*x.backend())(BatchNormApply{.spec = spec,
                                .x = x.view(),
                                .mean = mean,
                                .var = var,
                                .gamma = gamma,
                                .beta = beta,
                                .residual = view_or_null(residual),
                                .y = y.view(),
                                .relu_mask = mask});
}

NormSums NormPass::sums(const Tensor& dy, const Tensor& x, const std::uint8_t* mask,
                        const NormGradients& gradients) const {
  Backend& backend = *dy.backend();
  const std::int64_t channels = dy.shape()[1];
  NormSums sums{Tensor::empty(backend, {channels}), Tensor::empty(backend, {channels})};
  backend(BatchNormBackwardReduce{.spec = spec,
                                  .dy = dy.view(),
                                  .x = x.view(),
                                  .mean = mean,
                                  .var = var,
                                  .relu_mask = mask,
                                  .sum_g = sums.g.as<float>(),
                                  .sum_g_xhat = sums.g_xhat.as<float>(),
                                  .dgamma = gradients.gamma,
                                  .dbeta = gradients.beta});
  return sums;
}

void NormPass::backward(const Tensor& dy, const Tensor& x, const std::uint8_t* mask, const NormSums* sums,
                        const Tensor& dx, Into into, const Tensor& dresidual) const {
  (*dy.backend())(BatchNormBackwardApply{.spec = spec,
                                         .dy = dy.view(),
                                         .x = view_or_null(x),
                                         .mean = mean,
                                         .var = var,
                                         .gamma = gamma,
                                         .relu_mask = mask,
                                         .sum_g = sums != nullptr ? sums->g.as<float>() : nullptr,
                                         .sum_g_xhat = sums != nullptr ? sums->g_xhat.as<float>() : nullptr,
                                         .dx = view_or_null(dx),
                                         .into = into,
                                         .dresidual = view_or_null(dresidual)});
}

NormPass norm_pass(const BatchNorm2d& bn, Activation activation, const BatchStatistics& statistics) {
  return {.spec = {.eps = bn.eps, .activation = activation},
          .mean = data_or_null(statistics.mean),
          .var = data_or_null(statistics.var),
          .gamma = bn.weight.value.as<float>(),
          .beta = bn.bias.value.as<float>()};
}

}  // namespace thaw
