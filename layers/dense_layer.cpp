#include "layers/dense_layer.h"

#include "layers/conv_bn_act.h"

namespace thaw {

DenseLayer::DenseLayer(std::int64_t in, std::int64_t growth, std::int64_t bn_size)
    : norm1(in),
      conv1({.in = in, .out = bn_size * growth, .kernel = 1}),
      norm2(bn_size * growth),
      conv2({.in = bn_size * growth, .out = growth, .kernel = 3, .padding = 1}) {
  add_child("norm1", norm1);
  add_child("relu1", relu1_);
  add_child("conv1", conv1);
  add_child("norm2", norm2);
  add_child("relu2", relu2_);
  add_child("conv2", conv2);
}

Variable DenseLayer::forward(const Variable& x, Mode mode) {
  const Variable y = batch_norm(x, norm1, {}, Activation::relu, mode);
  return conv2.forward(conv_bn_act(y, conv1, norm2, {}, Activation::relu, mode), mode);
}

bool DenseLayer::folds(Mode mode) const {
  return thaw::folds(conv1, norm2, mode);
}

}  // namespace thaw
