#include "layers/norm_relu_pool.h"

namespace thaw {

namespace {

// What backward reads.
struct Saved {
  Tensor x{}, mean, var, index{};
  bool batch = false;
};

void norm_relu_pool_backward(Backend& backend, BatchNorm2d& bn, const Pool2dSpec& pool, const Saved& saved,
                             const Shape& shape, const Variable& x, const Tensor& dy) {
  const BatchNormSpec norm{.eps = bn.eps};
  const std::int64_t channels = shape[1];
  const auto* index = saved.index.as<std::uint8_t>();
  const auto *mean = saved.mean.as<float>(), *var = saved.var.as<float>();
  Tensor sum_g, sum_g_xhat;
  if (saved.x.defined()) {
    sum_g = Tensor::empty(backend, {channels});
    sum_g_xhat = Tensor::empty(backend, {channels});
    backend(NormReluPoolBackwardReduce{.norm = norm,
                                       .pool = pool,
                                       .dy = dy.view(),
                                       .index = index,
                                       .x = saved.x.view(),
                                       .mean = mean,
                                       .var = var,
                                       .sum_g = sum_g.as<float>(),
                                       .sum_g_xhat = sum_g_xhat.as<float>()});
    give_gradients(bn, sum_g, sum_g_xhat);
  }
  if (!x.requires_grad()) return;
  Tensor dx = Tensor::empty(backend, shape, dy.dtype());
  backend(NormReluPoolBackwardApply{.norm = norm,
                                    .pool = pool,
                                    .dy = dy.view(),
                                    .index = index,
                                    .x = saved.batch ? ConstView(saved.x.view()) : ConstView(),
                                    .mean = mean,
                                    .var = var,
                                    .gamma = bn.weight.value.as<float>(),
                                    .sum_g = saved.batch ? sum_g.as<float>() : nullptr,
                                    .sum_g_xhat = saved.batch ? sum_g_xhat.as<float>() : nullptr,
                                    .dx = dx.view()});
  x.accumulate(std::move(dx));
}

}  // namespace

Variable norm_relu_pool(const Variable& x, BatchNorm2d& bn, const Pool2dSpec& pool, Mode mode) {
  Backend& backend = x.backend();
  const BatchStatistics statistics = pass_statistics(x.value(), bn, mode);
  Saved saved{.mean = statistics.mean, .var = statistics.var, .batch = bn.uses_batch(mode)};
  Tensor y = empty_pooled(x, pool, bn.path());
  const bool own_wants = bn.weight.wants_gradient() || bn.bias.wants_gradient();
  if (own_wants || x.requires_grad()) saved.index = Tensor::empty(backend, y.shape(), DType::u8);
  if (own_wants || (saved.batch && x.requires_grad())) saved.x = x.value();
  backend(NormReluPoolForward{.norm = {.eps = bn.eps},
                              .pool = pool,
                              .x = x.value().view(),
                              .mean = saved.mean.as<float>(),
                              .var = saved.var.as<float>(),
                              .gamma = bn.weight.value.as<float>(),
                              .beta = bn.bias.value.as<float>(),
                              .y = y.view(),
                              .index = saved.index.defined() ? saved.index.as<std::uint8_t>() : nullptr});
  return record(std::move(y), "norm_relu_pool", bn.path(), {x}, own_wants,
                [=, &backend, &bn, x = x.edge(), shape = x.value().shape()](const Tensor& dy) {
                  norm_relu_pool_backward(backend, bn, pool, saved, shape, x, dy);
                });
}

}  // namespace thaw
