#include <algorithm>

#include "layers/dense_block_pass.h"
#include "layers/norm_pass.h"

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
  const bool conv1_deeper = layer.norm1.wants_gradient(mode_) || input,
             norm2_deeper = layer.conv1.wants_gradient(mode_) || conv1_deeper;
  const bool conv2_deeper = layer.norm2.wants_gradient(mode_) || norm2_deeper;

  const Tensor g = slice_gradient(dy, layer.in(), layer.in() + layer.growth());
  Tensor wide = saved.middle;
  auto* mask = mask_.as<std::uint8_t>();
  if (!saved.folded) {
    wide = Tensor::empty(backend_, wide.shape(), type_);
    normalize(layer.norm2, saved.middle, saved.by2, wide, mask);
  }
  if (layer.conv2.wants_gradient(mode_))
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
  normalize(layer.norm1, buffer_.channels(0, layer.in()), saved.by1, narrow, mask);
  if (layer.conv1.wants_gradient(mode_))
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
  const NormPass pass = norm_pass(layer.norm2, Activation::relu, saved.by2);
  const auto* mask = mask_.as<std::uint8_t>();
  NormSums sums;
  if (layer.norm2.wants_gradient(mode_) || saved.batch2)
    sums = pass.sums(dy, saved.middle, mask, norm_gradients(layer.norm2, mode_));
  if (deeper) pass.backward(dy, saved.middle, mask, saved.batch2 ? &sums : nullptr, dy);
}

// dy: the gradient of norm1's output after its ReLU, whose mask lies in mask_.
void DenseBlockPass::norm1_backward(std::size_t index, const Tensor& dy) {
  DenseLayer& layer = *block_.layers_[index];
  const Saved& saved = saved_[index];
  NormPass pass = norm_pass(layer.norm1, Activation::relu, saved.by1);
  const auto* mask = mask_.as<std::uint8_t>();
  if (layer.norm1.wants_gradient(mode_))
    pass.sums(dy, buffer_.channels(0, layer.in()), mask, norm_gradients(layer.norm1, mode_));
  if (!input_wants(index)) return;
  Tensor& gathered = saved.batch1 ? through_batch_ : through_running_;
  const Into into = gathered.defined() ? Into::add : Into::assign;
  if (!gathered.defined()) gathered = Tensor::empty(backend_, shape(layer.in()), type_);
  if (saved.batch1) {
    // With a variance of 1 and eps 0 this is dx = gamma * g: the normalisation's own part is done once,
    // later.
    pass.var = block_.ones(backend_).as<float>();
    pass.spec.eps = 0.0f;
  }
  pass.backward(dy, {}, mask, nullptr, gathered.channels(0, layer.in()), into);
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
  const Tensor dxhat = through_batch_.channels(begin, end), x = buffer_.channels(begin, end);
  const NormPass pass{.spec = {.eps = block_.layers_.front()->norm1.eps},
                      .mean = statistics_.mean.as<float>() + begin,
                      .var = statistics_.var.as<float>() + begin,
                      .gamma = block_.ones(backend_).as<float>()};
  const NormSums sums = pass.sums(dxhat, x, nullptr);
  pass.backward(dxhat, x, nullptr, &sums, g, Into::add);
  return g;
}

}  // namespace thaw
