// torchvision's ResNet, version 1.5 (He et al. 2016; the stride stands in the 3x3 convolution of a
// bottleneck). Stages: conv1, bn1 (with ReLU), maxpool, layer1, layer2, layer3, layer4, avgpool (with
// flatten), fc.
#pragma once

#include <array>

#include "layers/pool2d.h"
#include "models/network.h"
#include "models/residual_blocks.h"

namespace thaw {

class ResNet : public Network {
 public:
  // depth: 18, 34, 50, 101 or 152; throws Error on another.
  ResNet(int depth, const NetworkOptions& options);

 private:
  Conv2d conv1_;
  BatchNorm2d bn1_;
  MaxPool2d maxpool_;
  std::array<Sequential, 4> layers_;
  GlobalAvgPool avgpool_;
  Linear fc_;
};

}  // namespace thaw
