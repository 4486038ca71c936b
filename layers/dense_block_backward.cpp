#include <algorithm>

#include "layers/dense_block_pass.h"

namespace thaw {

void DenseBlockPass::backward(const Tensor& dy) {
  const DenseLayer& last = *block_.layers_.back();
  const std::int64_t pixels = shape_[0] * shape_[2] * shape_[3];
  scratch_ = Tensor::empty(backend_, shape(last.in()), type_);
  mask_ = Tensor::empty(backend_, {relu_mask_bytes(pixels, std::max(last.in(), last.conv1.spec().out))},
                        DType::u8);
  for (std::size_t i = block_.layers_.size(); i-- > 0;) {
    if (i < first_ && !x_wants_) break;
    layer_backward(i, dy);
    saved_[i] = Saved();
  }
  scratch_ = mask_ = Tensor();
  if (x_wants_) x_.accumulate(slice_gradient(dy, 0, block_.in()));
}

void DenseBlockPass::layer_backward(std::size_t index, const Tensor& dy) {
  DenseLayer& layer = *block_.layers_[index];
  const Saved& saved = saved_[index];
  const bool input = input_wants(index);
  const bool conv1_deeper = wants(layer.norm1) || input,
             norm2_deeper = wants(layer.conv1.weight) || conv1_deeper;
  const bool conv2_deeper = wants(layer.norm2) || norm2_deeper;

  const Tensor g = slice_gradient(dy, layer.in(), layer.in() + layer.growth());
  Tensor wide = saved.middle;
  auto* mask = mask_.as<std::uint8_t>();
  if (!saved.folded) {
    wide = Tensor::empty(backend_, wide.shape(), type_);
    normalize(layer.norm2, saved.middle, saved.mean2, saved.var2, wide, mask);
  }
  if (wants(layer.conv2.weight))
    backend_(Conv2dBackwardWeight{.spec = layer.conv2.spec(),
                                  .x = wide.view(),
                                  .dy = g.view(),
                                  .dweight = layer.conv2.weight.grad.as<float>(),
                                  .into = layer.conv2.weight.next_grad()});
  if (!conv2_deeper) return;

  Tensor dwide = Tensor::empty(backend_, wide.shape(), type_);
  backend_(Conv2dBackwardData{.spec = layer.conv2.spec(),
                              .dy = g.view(),
                              .weight = layer.conv2.weight.weights(type_),
                              .dx = dwide.view()});
  if (saved.folded)
    backend_(ReluBackward{.dy = dwide.view(), .y = wide.view(), .dx = dwide.view()});
  else
    norm2_backward(layer, saved, dwide, norm2_deeper);
  if (!norm2_deeper) return;

  const Tensor narrow = part(scratch_, layer.in());
  normalize(layer.norm1, buffer_.channels(0, layer.in()), saved.mean1, saved.var1, narrow, mask);
  if (wants(layer.conv1.weight))
    backend_(Conv2dBackwardWeight{.spec = layer.conv1.spec(),
                                  .x = narrow.view(),
                                  .dy = dwide.view(),
                                  .dweight = layer.conv1.weight.grad.as<float>(),
                                  .into = layer.conv1.weight.next_grad()});
  if (!conv1_deeper) return;
  const Weights weights =
      saved.folded ? Weights{saved.weight1.data(), type_} : layer.conv1.weight.weights(type_);
  backend_(Conv2dBackwardData{
      .spec = layer.conv1.spec(), .dy = dwide.view(), .weight = weights, .dx = narrow.view()});
  norm1_backward(index, narrow);
}

// In place: dy becomes the gradient of conv1's output, if that is wanted.
void DenseBlockPass::norm2_backward(DenseLayer& layer, const Saved& saved, const Tensor& dy, bool deeper) {
  const BatchNormSpec spec{.eps = layer.norm2.eps, .activation = Activation::relu};
  const auto* mask = mask_.as<std::uint8_t>();
  const float *mean = saved.mean2.as<float>(), *var = saved.var2.as<float>();
  Tensor sum_g, sum_g_xhat;
  if (wants(layer.norm2) || saved.batch2) {
    sum_g = Tensor::empty(backend_, {dy.shape()[1]});
    sum_g_xhat = Tensor::empty(backend_, {dy.shape()[1]});
    backend_(BatchNormBackwardReduce{.spec = spec,
                                     .dy = dy.view(),
                                     .x = saved.middle.view(),
                                     .mean = mean,
                                     .var = var,
                                     .relu_mask = mask,
                                     .sum_g = sum_g.as<float>(),
                                     .sum_g_xhat = sum_g_xhat.as<float>()});
    if (wants(layer.norm2)) give_gradients(layer.norm2, sum_g, sum_g_xhat);
  }
  if (!deeper) return;
  backend_(BatchNormBackwardApply{.spec = spec,
                                  .dy = dy.view(),
                                  .x = saved.middle.view(),
                                  .mean = mean,
                                  .var = var,
                                  .gamma = layer.norm2.weight.value.as<float>(),
                                  .relu_mask = mask,
                                  .sum_g = saved.batch2 ? sum_g.as<float>() : nullptr,
                                  .sum_g_xhat = saved.batch2 ? sum_g_xhat.as<float>() : nullptr,
                                  .dx = dy.view(),
                                  .into = Into::assign});
}

// dy: the gradient of norm1's output after its ReLU, whose mask lies in mask_.
void DenseBlockPass::norm1_backward(std::size_t index, const Tensor& dy) {
  DenseLayer& layer = *block_.layers_[index];
  const Saved& saved = saved_[index];
  const BatchNormSpec spec{.eps = layer.norm1.eps, .activation = Activation::relu};
  const auto* mask = mask_.as<std::uint8_t>();
  if (wants(layer.norm1)) {
    const Tensor sum_g = Tensor::empty(backend_, {layer.in()}),
                 sum_g_xhat = Tensor::empty(backend_, {layer.in()});
    backend_(BatchNormBackwardReduce{.spec = spec,
                                     .dy = dy.view(),
                                     .x = buffer_.channels(0, layer.in()).view(),
                                     .mean = saved.mean1.as<float>(),
                                     .var = saved.var1.as<float>(),
                                     .relu_mask = mask,
                                     .sum_g = sum_g.as<float>(),
                                     .sum_g_xhat = sum_g_xhat.as<float>()});
    give_gradients(layer.norm1, sum_g, sum_g_xhat);
  }
  if (!input_wants(index)) return;
  Tensor& gathered = saved.batch1 ? through_batch_ : through_running_;
  const Into into = gathered.defined() ? Into::add : Into::assign;
  if (!gathered.defined()) gathered = Tensor::empty(backend_, shape(layer.in()), type_);
  // With a variance of 1 and eps 0 the op is dx = gamma * g: the normalisation's own part is done once,
  // later.
  const float* var = saved.batch1 ? block_.ones(backend_).as<float>() : saved.var1.as<float>();
  const BatchNormSpec scale{.eps = saved.batch1 ? 0.0f : spec.eps, .activation = Activation::relu};
  backend_(BatchNormBackwardApply{.spec = scale,
                                  .dy = dy.view(),
                                  .x = {},
                                  .mean = saved.mean1.as<float>(),
                                  .var = var,
                                  .gamma = layer.norm1.weight.value.as<float>(),
                                  .relu_mask = mask,
                                  .sum_g = nullptr,
                                  .sum_g_xhat = nullptr,
                                  .dx = gathered.channels(0, layer.in()).view(),
                                  .into = into});
}

Tensor DenseBlockPass::slice_gradient(const Tensor& dy, std::int64_t begin, std::int64_t end) {
  Tensor g = Tensor::empty(backend_, shape(end - begin), type_);
  backend_(Copy{.x = dy.channels(begin, end).view(), .y = g.view()});
  const auto covers = [&](const Tensor& gathered) {
    return gathered.defined() && gathered.shape()[1] >= end;
  };
  if (covers(through_running_))
    backend_(Copy{.x = through_running_.channels(begin, end).view(), .y = g.view(), .into = Into::add});
  if (!covers(through_batch_)) return g;
  const BatchNormSpec spec{.eps = block_.layers_.front()->norm1.eps};
  const Tensor dxhat = through_batch_.channels(begin, end), x = buffer_.channels(begin, end);
  const float *mean = statistics_.mean.as<float>() + begin, *var = statistics_.var.as<float>() + begin;
  const Tensor sum = Tensor::empty(backend_, {end - begin}),
               sum_xhat = Tensor::empty(backend_, {end - begin});
  backend_(BatchNormBackwardReduce{.spec = spec,
                                   .dy = dxhat.view(),
                                   .x = x.view(),
                                   .mean = mean,
                                   .var = var,
                                   .relu_mask = nullptr,
                                   .sum_g = sum.as<float>(),
                                   .sum_g_xhat = sum_xhat.as<float>()});
  backend_(BatchNormBackwardApply{.spec = spec,
                                  .dy = dxhat.view(),
                                  .x = x.view(),
                                  .mean = mean,
                                  .var = var,
                                  .gamma = block_.ones(backend_).as<float>(),
                                  .relu_mask = nullptr,
                                  .sum_g = sum.as<float>(),
                                  .sum_g_xhat = sum_xhat.as<float>(),
                                  .dx = g.view(),
                                  .into = Into::add});
  return g;
}

}  // namespace thaw
