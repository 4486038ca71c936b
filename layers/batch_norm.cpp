#include "layers/batch_norm.h"

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

bool BatchNorm2d::uses_batch(Mode mode) const {
  if (!mode.training || policy == BatchNormPolicy::frozen) return false;
  return policy == BatchNormPolicy::train || !frozen();
}

void BatchNorm2d::require_statistics(const Shape& batch) const {
  if (batch.elements() < 2 * batch[1])
    throw Error("batch_norm " + path() + ": statistics of one value per channel (input " + batch.text() +
                "); use a batch of 2 or more, or --bn frozen");
}

void BatchNorm2d::update_running(const Tensor& mean, const Tensor& biased_var, std::int64_t pixels) {
  Backend& backend = *running_mean.value.backend();
  backend(
      BatchNormRunning{.mean = mean.as<float>(),
                       .var = biased_var.as<float>(),
                       .channels = running_mean.value.elements(),
                       .pixels = pixels,
                       .running = {running_mean.value.as<float>(), running_var.value.as<float>(), momentum}});
  ++*num_batches_tracked.value.as<std::int64_t>();
  ++version;
}

Variable BatchNorm2d::forward(const Variable& x, Mode mode) {
  return batch_norm(x, *this, {}, Activation::none, mode);
}

void give_gradients(BatchNorm2d& bn, const Tensor& sum_g, const Tensor& sum_g_xhat) {
  const auto give = [](Parameter& p, const Tensor& sum) {
    if (p.wants_gradient())
      (*sum.backend())(Copy{.x = sum.view(), .y = p.grad.view(), .into = p.next_grad()});
  };
  give(bn.bias, sum_g);
  give(bn.weight, sum_g_xhat);
}

BatchStatistics pass_statistics(const Tensor& x, BatchNorm2d& bn, Mode mode, const BatchStatistics* known) {
  const View view = x.view();
  const std::int64_t channels = bn.weight.value.elements();
  if (view.c != channels)
    throw Error("batch_norm " + bn.path() + ": takes " + std::to_string(channels) + " channels, got " +
                x.shape().text());
  if (!bn.uses_batch(mode)) return {bn.running_mean.value, bn.running_var.value};
  bn.require_statistics(x.shape());
  BatchStatistics statistics;
  if (known != nullptr) {
    statistics = *known;
  } else {
    Backend& backend = *x.backend();
    statistics = {Tensor::empty(backend, {channels}), Tensor::empty(backend, {channels})};
    backend(BatchNormStatistics{
        .x = view, .mean = statistics.mean.as<float>(), .var = statistics.var.as<float>()});
  }
  bn.update_running(statistics.mean, statistics.var, view.pixels());
  return statistics;
}

void set_batch_norm_policy(Module& module, BatchNormPolicy policy) {
  module.visit([policy](Module& m) {
    if (auto* bn = dynamic_cast<BatchNorm2d*>(&m)) bn->policy = policy;
  });
}

namespace {

// What backward of a batch_norm node reads.
struct Saved {
  Tensor x{}, mean, var, mask{};
  bool batch = false;
};

void batch_norm_backward(Backend& backend, BatchNorm2d& bn, const BatchNormSpec& spec, const Saved& saved,
                         const Variable& x, const Variable& residual, const Tensor& dy) {
  const std::int64_t channels = bn.weight.value.elements();
  const auto* mask = saved.mask.defined() ? saved.mask.as<std::uint8_t>() : nullptr;
  const bool x_wants = x.requires_grad();
  Tensor sum_g, sum_g_xhat;
  if (bn.weight.wants_gradient() || bn.bias.wants_gradient() || (saved.batch && x_wants)) {
    sum_g = Tensor::empty(backend, {channels});
    sum_g_xhat = Tensor::empty(backend, {channels});
    backend(BatchNormBackwardReduce{.spec = spec,
                                    .dy = dy.view(),
                                    .x = saved.x.view(),
                                    .mean = saved.mean.as<float>(),
                                    .var = saved.var.as<float>(),
                                    .relu_mask = mask,
                                    .sum_g = sum_g.as<float>(),
                                    .sum_g_xhat = sum_g_xhat.as<float>()});
    give_gradients(bn, sum_g, sum_g_xhat);
  }
  Tensor dx = x_wants ? Tensor::empty(backend, dy.shape(), dy.dtype()) : Tensor();
  Tensor dresidual = residual.requires_grad() ? Tensor::empty(backend, dy.shape(), dy.dtype()) : Tensor();
  if (dx.defined() || dresidual.defined())
    backend(BatchNormBackwardApply{.spec = spec,
                                   .dy = dy.view(),
                                   .x = saved.x.defined() ? ConstView(saved.x.view()) : ConstView(),
                                   .mean = saved.mean.as<float>(),
                                   .var = saved.var.as<float>(),
                                   .gamma = bn.weight.value.as<float>(),
                                   .relu_mask = mask,
                                   .sum_g = saved.batch ? sum_g.as<float>() : nullptr,
                                   .sum_g_xhat = saved.batch ? sum_g_xhat.as<float>() : nullptr,
                                   .dx = dx.defined() ? dx.view() : View(),
                                   .into = Into::assign,
                                   .dresidual = dresidual.defined() ? dresidual.view() : View()});
  if (dx.defined()) x.accumulate(std::move(dx));
  if (dresidual.defined()) residual.accumulate(std::move(dresidual));
}

}  // namespace

Variable batch_norm(const Variable& x, BatchNorm2d& bn, const Variable& residual, Activation activation,
                    Mode mode, const BatchStatistics* known) {
  Backend& backend = x.backend();
  const View view = x.value().view();
  const BatchNormSpec spec{.eps = bn.eps, .activation = activation};
  const BatchStatistics statistics = pass_statistics(x.value(), bn, mode, known);
  Saved saved{.mean = statistics.mean, .var = statistics.var, .batch = bn.uses_batch(mode)};

  const bool own_wants = bn.weight.wants_gradient() || bn.bias.wants_gradient();
  const bool wanted = own_wants || x.requires_grad() || residual.requires_grad();
  Tensor y = Tensor::empty(backend, x.value().shape(), x.value().dtype());
  if (wanted && activation == Activation::relu)
    saved.mask = Tensor::empty(backend, {relu_mask_bytes(view.pixels(), view.c)}, DType::u8);
  backend(BatchNormApply{.spec = spec,
                         .x = view,
                         .mean = saved.mean.as<float>(),
                         .var = saved.var.as<float>(),
                         .gamma = bn.weight.value.as<float>(),
                         .beta = bn.bias.value.as<float>(),
                         .residual = residual.defined() ? ConstView(residual.value().view()) : ConstView(),
                         .y = y.view(),
                         .relu_mask = saved.mask.defined() ? saved.mask.as<std::uint8_t>() : nullptr});
  if (own_wants || (saved.batch && x.requires_grad())) saved.x = x.value();
  return record(std::move(y), "batch_norm", bn.path(), {x, residual}, own_wants,
                [=, &backend, &bn, x = x.edge(), residual = residual.edge()](const Tensor& dy) {
                  batch_norm_backward(backend, bn, spec, saved, x, residual, dy);
                });
}

}  // namespace thaw
