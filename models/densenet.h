// DenseNet (Huang et al. 2017) with torchvision's names. Stages: the children of `features` (conv0, norm0
// with its ReLU, relu0, [pool0,] denseblock1, transition1, ..., denseblockN, norm5 with the last ReLU),
// avgpool (with flatten), classifier. stages[i] is features[i] as far as that goes.
#pragma once

#include <optional>

#include "layers/dense_block.h"
#include "models/description.h"
#include "models/network.h"

namespace thaw {

struct DenseNetConfig {
  std::int64_t growth = 32;  // channels that a layer adds
  std::vector<std::int64_t> blocks =
      {};                     // layers of each block; between blocks, transitions halve the channels
  std::int64_t initial = 64;  // channels of conv0
  std::int64_t bn_size = 4;   // conv1 of a layer makes bn_size * growth channels
  bool small_pictures =
      false;  // conv0 is 3x3 without stride and no pool0 follows; else 7x7/2 and max-pooling
};

// Keys: growth, blocks (must be there), initial (2 * growth), bn_size, stem=imagenet|cifar. Throws Error on what is no
// network.
DenseNetConfig densenet_config(Description& description);

// The description of "densenet_bc_DEPTH_GROWTH", for 32x32 pictures: three blocks of (DEPTH - 4) / 6 layers. Nothing if
// `name` has another form; throws Error if the depth does not divide, or is out of range as the growth may be.
std::optional<std::string> densenet_bc_description(const std::string& name);

class DenseNet : public Network {
 public:
  // `config` as densenet_config gives it.
  DenseNet(std::string name, const DenseNetConfig& config, const NetworkOptions& options);

  InitialWeights initial_weights() const override { return InitialWeights::kaiming_fan_in; }
  // Files of 2017 have denselayer1.norm.1.weight where later ones have denselayer1.norm1.weight.
  std::string current_name(const std::string& name) const override;

 private:
  template <class T, class... Args>
  T& add(const std::string& name, Args&&... args);
  void add_stem(const DenseNetConfig& config, std::int64_t in_channels);
  void add_block(const std::string& number, std::int64_t in, std::int64_t layers,
                 const DenseNetConfig& config, bool last);

  Sequential features_;
  GlobalAvgPool avgpool_;
  Linear classifier_;
};

}  // namespace thaw
