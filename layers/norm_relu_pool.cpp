#include "layers/norm_relu_pool.h"

#include "layers/norm_pass.h"

namespace thaw {

Variable norm_relu_pool(const Variable& x, BatchNorm2d& bn, const Pool2dSpec& pool, Mode mode) {
  Backend& backend = x.backend();
  const BatchStatistics statistics = pass_statistics(x.value(), bn, mode);
  const bool batch = bn.uses_batch(mode), own_wants = bn.wants_gradient(mode);
  Tensor y = empty_pooled(x, pool, bn.path()), index;
  if (own_wants || x.requires_grad()) index = Tensor::empty(backend, y.shape(), DType::u8);
  const BatchNormSpec norm{.eps = bn.eps};
  backend(NormReluPoolForward{.norm = norm,
                              .pool = pool,
                              .x = x.value().view(),
                              .mean = statistics.mean.as<float>(),
                              .var = statistics.var.as<float>(),
                              .gamma = bn.weight.value.as<float>(),
                              .beta = bn.bias.value.as<float>(),
                              .y = y.view(),
                              .index = index.defined() ? index.as<std::uint8_t>() : nullptr});

  const Tensor saved = own_wants || (batch && x.requires_grad()) ? x.value() : Tensor();
  return record(std::move(y), "norm_relu_pool", bn.path(), {x}, own_wants,
                [=, &backend, &bn, x = x.edge(), shape = x.value().shape()](const Tensor& dy) {
                  const auto *mean = statistics.mean.as<float>(), *var = statistics.var.as<float>();
                  NormSums sums;
                  if (saved.defined()) {
                    const NormGradients gradients = norm_gradients(bn, mode);
                    sums = {Tensor::empty(backend, {shape[1]}), Tensor::empty(backend, {shape[1]})};
                    backend(NormReluPoolBackwardReduce{.norm = norm,
                                                       .pool = pool,
                                                       .dy = dy.view(),
                                                       .index = index.as<std::uint8_t>(),
                                                       .x = saved.view(),
                                                       .mean = mean,
                                                       .var = var,
                                                       .sum_g = sums.g.as<float>(),
                                                       .sum_g_xhat = sums.g_xhat.as<float>(),
                                                       .dgamma = gradients.gamma,
                                                       .dbeta = gradients.beta});
                  }
                  if (!x.requires_grad()) return;
                  Tensor dx = Tensor::empty(backend, shape, dy.dtype());
                  backend(NormReluPoolBackwardApply{.norm = norm,
                                                    .pool = pool,
                                                    .dy = dy.view(),
                                                    .index = index.as<std::uint8_t>(),
                                                    .x = batch ? ConstView(saved.view()) : ConstView(),
                                                    .mean = mean,
                                                    .var = var,
                                                    .gamma = bn.weight.value.as<float>(),
                                                    .sum_g = batch ? sums.g.as<float>() : nullptr,
                                                    .sum_g_xhat = batch ? sums.g_xhat.as<float>() : nullptr,
                                                    .dx = dx.view()});
                  x.accumulate(std::move(dx));
                });
}

}  // namespace thaw
