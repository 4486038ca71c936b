#include "layers/norm_pass.h"

namespace thaw {

BatchNorm2d::BatchNorm2d(std::int64_t channels, float eps_, float momentum_)
    : eps(eps_), momentum(momentum_) {
  add_parameter("weight", weight, {channels});
  add_parameter("bias", bias, {channels});
  const std::vector<float> ones(static_cast<std::size_t>(channels), 1.0f);
  add_buffer("running_mean", running_mean, Tensor::zeros_host({channels}));
  add_buffer("running_var", running_var, from_contiguous(ones, {channels}));
  add_buffer("num_batches_tracked", num_batches_tracked, Tensor::zeros_host({}, DType::i64));
  weight.value.copy_from(from_contiguous(ones, {channels}));
}

void BatchNorm2d::reset_parameters(const Initializer& with) {
  with.fill(weight, 1.0f);
  with.fill(bias, 0.0f);
  const std::vector<float> ones(static_cast<std::size_t>(running_var.value.elements()), 1.0f);
  running_var.value.copy_from(from_contiguous(ones, running_var.value.shape()));
  running_mean.value.copy_from(Tensor::zeros_host(running_mean.value.shape()));
  num_batches_tracked.value.copy_from(Tensor::zeros_host({}, DType::i64));
  for (Buffer* b : own_buffers()) ++b->version;
}

bool BatchNorm2d::uses_batch(Mode mode) const {
  if (!mode.training || policy == BatchNormPolicy::frozen) return false;
  return policy == BatchNormPolicy::train || !frozen();
}

void BatchNorm2d::require_statistics(const Shape& batch) const {
  if (batch.elements() < 2 * batch[1])
    throw Error("batch_norm " + path() + ": statistics of one value per channel (input " + batch.text() +
                "); use a batch of 2 or more, or --bn frozen");
}

RunningStatistics BatchNorm2d::move_running() {
  ++*num_batches_tracked.value.as<std::int64_t>();
  for (Buffer* b : own_buffers()) ++b->version;
  return {running_mean.value.as<float>(), running_var.value.as<float>(), momentum};
}

Variable BatchNorm2d::forward(const Variable& x, Mode mode) {
  return batch_norm(x, *this, {}, Activation::none, mode);
}

void set_batch_norm_policy(Module& module, BatchNormPolicy policy) {
  module.visit([policy](Module& m) { m.set_batch_norm_policy(policy); });
}

Variable batch_norm(const Variable& x, BatchNorm2d& bn, const Variable& residual, Activation activation,
                    Mode mode, const BatchStatistics* known) {
  Backend& backend = x.backend();
  const BatchStatistics statistics = pass_statistics(x.value(), bn, mode, known);
  const bool batch = bn.uses_batch(mode), own_wants = bn.wants_gradient(mode);
  Tensor y = Tensor::empty(backend, x.value().shape(), x.value().dtype()), mask;
  if (activation == Activation::relu && (own_wants || x.requires_grad() || residual.requires_grad())) {
    const View view = y.view();
    mask = Tensor::empty(backend, {relu_mask_bytes(view.pixels(), view.c)}, DType::u8);
  }
  auto* bits = mask.defined() ? mask.as<std::uint8_t>() : nullptr;
  norm_pass(bn, activation, statistics)
      .forward(x.value(), residual.defined() ? residual.value() : Tensor(), y, bits);

  const Tensor saved = own_wants || (batch && x.requires_grad()) ? x.value() : Tensor();
  return record(std::move(y), "batch_norm", bn.path(), {x, residual}, own_wants,
                [=, &backend, &bn, x = x.edge(), residual = residual.edge()](const Tensor& dy) {
                  const NormPass pass = norm_pass(bn, activation, statistics);
                  const auto* taken = mask.defined() ? mask.as<std::uint8_t>() : nullptr;
                  NormSums sums;
                  if (saved.defined()) sums = pass.sums(dy, saved, taken, norm_gradients(bn, mode));
                  const auto like_dy = [&](const Variable& v) {
                    return v.requires_grad() ? Tensor::empty(backend, dy.shape(), dy.dtype()) : Tensor();
                  };
                  Tensor dx = like_dy(x), dresidual = like_dy(residual);
                  if (dx.defined() || dresidual.defined())
                    pass.backward(dy, saved, taken, batch ? &sums : nullptr, dx, Into::assign, dresidual);
                  if (dx.defined()) x.accumulate(std::move(dx));
                  if (dresidual.defined()) residual.accumulate(std::move(dresidual));
                });
}

}  // namespace thaw
