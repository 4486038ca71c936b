// ResNets (He et al. 2016) and their kin: torchvision's (version 1.5: the stride stands in the 3x3 convolution of a
// bottleneck), ResNeXt (Xie et al. 2017) and Wide ResNet (Zagoruyko and Komodakis 2016), timm's with the deep stem and
// pooled shortcuts (He et al. 2019, "ResNet-D"), and the small ones for 32x32 pictures. Stages: conv1, bn1 (with ReLU),
// maxpool (not with the stem for small pictures), layer1, layer2, ..., avgpool (with flatten), fc.
#pragma once

#include <optional>

#include "layers/pool2d.h"
#include "models/deep_stem.h"
#include "models/description.h"
#include "models/network.h"
#include "models/residual_blocks.h"

namespace thaw {

enum class Stem {
  imagenet,  // 7x7 with stride 2, max-pooling
  cifar,     // 3x3
  deep,      // three 3x3, the first with stride 2, max-pooling
};

struct ResNetConfig {
  bool bottleneck = false;
  std::vector<std::int64_t> blocks =
      {};                         // of each layer; each layer halves the pictures and doubles the channels
  std::int64_t width = 64;        // channels of the stem, and of layer1's blocks (a bottleneck's: times 4)
  std::int64_t groups = 1;        // of a bottleneck's 3x3 convolution
  std::int64_t group_width = 64;  // channels of such a group in layer1
  Stem stem = Stem::imagenet;
  Shortcut shortcut = Shortcut::b;
};

// Keys: block=basic|bottleneck, blocks (must be there), width, groups, group_width (width / groups), stem, shortcut.
// Throws Error on what is no network.
ResNetConfig resnet_config(Description& description);

// Names are torchvision's; with option-A shortcuts the head is "linear", as in the widespread weights by Y. Idelbayev.
class ResNet : public Network {
 public:
  // `config` as resnet_config gives it.
  ResNet(std::string name, const ResNetConfig& config, const NetworkOptions& options);

  // CIFAR repositories also call "downsample" and "fc" what is "shortcut" and "linear" elsewhere.
  std::string current_name(const std::string& name) const override;

 private:
  void add_stem(const ResNetConfig& config, std::int64_t in_channels);

  std::optional<Conv2d> conv1_;
  std::optional<DeepStem> deep_conv1_;
  BatchNorm2d bn1_;
  MaxPool2d maxpool_;
  std::vector<Sequential> layers_;
  GlobalAvgPool avgpool_;
  Linear fc_;
};

}  // namespace thaw
