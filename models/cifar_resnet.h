// The small ResNets for 32x32 pictures (He et al. 2016, section 4.2): option-A shortcuts, 16-32-64 channels.
// Names as in the widespread weights by Y. Idelbayev. Stages: conv1, bn1 (with ReLU), layer1, layer2, layer3,
// avgpool, linear.
#pragma once

#include <array>

#include "layers/pool2d.h"
#include "models/network.h"
#include "models/residual_blocks.h"

namespace thaw {

class CifarResNet : public Network {
 public:
  // depth: 20, 32, 44, 56 or 110; throws Error on another.
  CifarResNet(int depth, const NetworkOptions& options);

 private:
  Conv2d conv1_;
  BatchNorm2d bn1_;
  std::array<Sequential, 3> layers_;
  GlobalAvgPool avgpool_;
  Linear linear_;
};

}  // namespace thaw
