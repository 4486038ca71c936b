// One layer of a DenseNet block (Huang et al. 2017, section 3, "DenseNet-B"). Child names are torchvision's.
#pragma once

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"

namespace thaw {

// conv2(relu(norm2(conv1(relu(norm1(x)))))): conv1 1x1 to bn_size * growth channels, conv2 3x3 to growth.
// relu1 and relu2 only count as children: the ReLU is part of the BatchNorm before it.
class DenseLayer : public Module {
 public:
  DenseLayer(std::int64_t in, std::int64_t growth, std::int64_t bn_size);
  // Plain nodes; norm2 is folded into conv1 where conv_bn_act does so.
  // x: all channels before this layer's, [N, in, H, W] -> [N, growth, H, W].
  Variable forward(const Variable& x, Mode mode) override;

  // Whether norm2 is folded into conv1 in `mode`: neither wants a gradient and norm2 uses running statistics.
  bool folds(Mode mode) const;

  std::int64_t in() const { return conv1.spec().in; }
  std::int64_t growth() const { return conv2.spec().out; }

  BatchNorm2d norm1;
  Conv2d conv1;
  BatchNorm2d norm2;
  Conv2d conv2;

 private:
  ReLU relu1_, relu2_;
};

}  // namespace thaw
