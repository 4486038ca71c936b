// The deep stem of ResNet-D (He et al. 2019): three 3x3 convolutions in the place of one 7x7, with timm's names, which
// are those of torch.nn.Sequential: convolution "0" (stride 2), BatchNorm "1", ReLU, convolution "3", BatchNorm "4",
// ReLU, convolution "6". The first two have half the channels.
#pragma once

#include "layers/conv_bn_act.h"

namespace thaw {

class DeepStem : public Module {
 public:
  DeepStem(std::int64_t in, std::int64_t out);
  Variable forward(const Variable& x, Mode mode) override { return conv6_.forward(front(x, mode), mode); }

  // Up to the input of the last convolution.
  Variable front(const Variable& x, Mode mode);
  Conv2d& last() { return conv6_; }

 private:
  Conv2d conv0_;
  BatchNorm2d bn1_;
  Conv2d conv3_;
  BatchNorm2d bn4_;
  Conv2d conv6_;
};

}  // namespace thaw
