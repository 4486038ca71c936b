#include "layers/dense_block_pass.h"

#include "layers/conv_bn_act.h"
#include "layers/norm_pass.h"

namespace thaw {

DenseBlockPass::DenseBlockPass(DenseBlock& block, const Variable& x, Mode mode)
    : block_(block),
      backend_(x.backend()),
      mode_(mode),
      input_(x.value()),
      x_(x.edge()),
      shape_(x.value().shape()),
      type_(x.value().dtype()),
      x_wants_(x.requires_grad()),
      first_(block.layers_.size()),
      saved_(block.layers_.size()) {
  for (std::size_t i = block.layers_.size(); i-- > 0;)
    if (block.layers_[i]->wants_gradient(mode)) first_ = i;
  parameters_want_ = first_ < block.layers_.size();
}

Shape DenseBlockPass::shape(std::int64_t channels) const {
  return {shape_[0], channels, shape_[2], shape_[3]};
}

Tensor DenseBlockPass::part(const Tensor& scratch, std::int64_t channels) const {
  return scratch.slot(0, shape(channels));
}

void DenseBlockPass::know_statistics(std::int64_t channels) {
  if (!statistics_.mean.defined()) {
    statistics_.mean = Tensor::empty(backend_, {block_.out()});
    statistics_.var = Tensor::empty(backend_, {block_.out()});
  }
  if (known_ >= channels) return;
  backend_(BatchNormStatistics{.x = buffer_.channels(known_, channels).view(),
                               .mean = statistics_.mean.as<float>() + known_,
                               .var = statistics_.var.as<float>() + known_});
  known_ = channels;
}

void DenseBlockPass::normalize(const BatchNorm2d& bn, const Tensor& x, const BatchStatistics& statistics,
                               const Tensor& y, std::uint8_t* mask) {
  norm_pass(bn, Activation::relu, statistics).forward(x, {}, y, mask);
}

Tensor DenseBlockPass::forward() {
  buffer_ = Tensor::empty(backend_, shape(block_.out()), type_);
  backend_(Copy{.x = input_.view(), .y = buffer_.channels(0, block_.in()).view()});
  input_ = Tensor();
  const Tensor scratch = Tensor::empty(backend_, shape(block_.layers_.back()->in()), type_);
  for (std::size_t i = 0; i < block_.layers_.size(); ++i) layer_forward(i, scratch);
  if (statistics_.mean.defined()) know_statistics(block_.out());
  return buffer_;
}

void DenseBlockPass::layer_forward(std::size_t index, const Tensor& scratch) {
  DenseLayer& layer = *block_.layers_[index];
  const std::int64_t in = layer.in();
  Saved now;
  now.batch1 = layer.norm1.uses_batch(mode_);
  now.batch2 = layer.norm2.uses_batch(mode_);
  now.folded = layer.folds(mode_);

  if (now.batch1) {
    layer.norm1.require_statistics(shape(in));
    know_statistics(in);
  }
  const Tensor narrow = part(scratch, in), x = buffer_.channels(0, in);
  now.by1 = pass_statistics(x, layer.norm1, mode_, &statistics_);
  normalize(layer.norm1, x, now.by1, narrow, nullptr);

  const Conv2dSpec& spec = layer.conv1.spec();
  const bool keep = index >= first_ || input_wants(index);
  now.middle = Tensor::empty(backend_, shape(spec.out), type_);
  Tensor wide = now.middle;
  if (now.folded) {
    const FoldedWeights folded = folded_weights(backend_, layer.conv1, layer.norm2, type_);
    now.weight1 = folded.weight;
    backend_(Conv2dForward{.spec = spec,
                           .x = narrow.view(),
                           .weight = {folded.weight.data(), type_},
                           .bias = folded.bias.as<float>(),
                           .activation = Activation::relu,
                           .y = wide.view()});
  } else {
    backend_(Conv2dForward{.spec = spec,
                           .x = narrow.view(),
                           .weight = layer.conv1.weight.weights(type_),
                           .y = now.middle.view()});
    now.by2 = pass_statistics(now.middle, layer.norm2, mode_);
    if (keep) wide = Tensor::empty(backend_, wide.shape(), type_);
    normalize(layer.norm2, now.middle, now.by2, wide, nullptr);
  }
  write_slice(layer.conv2, wide, buffer_.channels(in, in + layer.growth()));
  if (keep) saved_[index] = std::move(now);
}

// Vendor libraries want slices that begin at whole vectors; others go through a packed copy.
void DenseBlockPass::write_slice(const Conv2d& conv, const Tensor& x, const Tensor& slice) {
  constexpr std::uintptr_t vector_bytes = 16;
  const auto address = reinterpret_cast<std::uintptr_t>(slice.data());
  const std::size_t pixel_bytes = static_cast<std::size_t>(slice.pitch()) * item_size(type_);
  const bool aligned = address % vector_bytes == 0 && pixel_bytes % vector_bytes == 0;
  const Tensor y = aligned ? slice : Tensor::empty(backend_, slice.shape(), type_);
  backend_(
      Conv2dForward{.spec = conv.spec(), .x = x.view(), .weight = conv.weight.weights(type_), .y = y.view()});
  if (!aligned) backend_(Copy{.x = y.view(), .y = slice.view()});
}

}  // namespace thaw
