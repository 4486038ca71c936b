#include "layers/dense_block.h"

#include "layers/concat.h"
#include "layers/dense_block_pass.h"

namespace thaw {

DenseBlock::DenseBlock(std::int64_t in, std::int64_t growth, std::int64_t layers, std::int64_t bn_size) {
  if (in < 1 || growth < 1 || layers < 1 || bn_size < 1)
    throw Error("dense block: needs at least one input channel, layer and channel per layer");
  for (std::int64_t i = 0; i < layers; ++i) {
    layers_.push_back(std::make_unique<DenseLayer>(in + i * growth, growth, bn_size));
    add_child("denselayer" + std::to_string(i + 1), *layers_.back());
  }
}

Variable DenseBlock::forward(const Variable& x, Mode mode) {
  BatchStatistics unused;
  return forward(x, mode, unused);
}

Variable DenseBlock::forward(const Variable& x, Mode mode, BatchStatistics& statistics) {
  const Shape& shape = x.value().shape();
  if (shape.rank() != 4 || shape[1] != in())
    throw Error("dense block " + path() + ": takes [N, " + std::to_string(in()) + ", H, W], got " +
                shape.text());
  if (form == DenseForm::concat) {
    std::vector<Variable> parts{x};
    for (const auto& layer : layers_) parts.push_back(layer->forward(concat(parts, layer->path()), mode));
    return concat(parts, path());
  }
  const auto pass = std::make_shared<DenseBlockPass>(*this, x, mode);
  Tensor y = pass->forward();
  statistics = pass->statistics();
  return record(std::move(y), "dense_block", path(), {x}, pass->parameters_want(),
                [pass](const Tensor& dy) { pass->backward(dy); });
}

const Tensor& DenseBlock::ones(Backend& backend) {
  if (!ones_.defined() || ones_.backend() != &backend) {
    const std::vector<float> values(static_cast<std::size_t>(out()), 1.0f);
    ones_ = from_contiguous(values, {out()}).to(backend);
  }
  return ones_;
}

DenseTransition::DenseTransition(std::int64_t in, std::int64_t out)
    : norm_(in), conv_({.in = in, .out = out, .kernel = 1}), pool_(Pool2dSpec{.kernel = 2, .stride = 2}) {
  add_child("norm", norm_);
  add_child("relu", relu_);
  add_child("conv", conv_);
  add_child("pool", pool_);
}

Variable DenseTransition::forward(const Variable& x, Mode mode) {
  return forward(x, mode, {});
}

Variable DenseTransition::forward(const Variable& x, Mode mode, const BatchStatistics& statistics) {
  const Variable y =
      batch_norm(x, norm_, {}, Activation::relu, mode, statistics.mean.defined() ? &statistics : nullptr);
  if (form == DenseForm::concat) return pool_.forward(conv_.forward(y, mode), mode);
  return conv_.forward(pool_.forward(y, mode), mode);
}

void set_dense_form(Module& module, DenseForm form) {
  module.visit([form](Module& m) {
    if (auto* block = dynamic_cast<DenseBlock*>(&m)) block->form = form;
    if (auto* transition = dynamic_cast<DenseTransition*>(&m)) transition->form = form;
  });
}

}  // namespace thaw
