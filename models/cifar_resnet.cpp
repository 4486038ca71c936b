#include "models/cifar_resnet.h"

#include <algorithm>

namespace thaw {

namespace {

constexpr std::int64_t base_width = 16;

int blocks_per_layer(int depth) {
  constexpr int depths[] = {20, 32, 44, 56, 110};
  if (std::find(std::begin(depths), std::end(depths), depth) == std::end(depths))
    throw Error("cifar resnet: no depth " + std::to_string(depth) + "; there are 20, 32, 44, 56, 110");
  return (depth - 2) / 6;
}

}  // namespace

CifarResNet::CifarResNet(int depth, const NetworkOptions& options)
    : Network(
          "resnet" + std::to_string(depth),
          {.mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}, .size = 32, .crop_pct = 1.0},
          options),
      conv1_({.in = options.in_channels, .out = base_width, .kernel = 3, .padding = 1}),
      bn1_(base_width),
      linear_(options.joined(4 * base_width), options.num_classes) {
  const int blocks = blocks_per_layer(depth);
  add_stage("conv1", conv1_, Fusion{2, [this](const Variable& x, Mode mode) {
                                      return conv_bn_act(x, conv1_, bn1_, {}, Activation::relu, mode);
                                    }});
  add_stage("bn1", bn1_,
            [this](const Variable& x, Mode mode) { return batch_norm(x, bn1_, {}, Activation::relu, mode); });

  std::int64_t in = base_width;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::int64_t width = base_width << i;
    for (int block = 0; block < blocks; ++block) {
      layers_[i].append(
          std::make_unique<BasicBlock>(in, width, block == 0 && i > 0 ? 2 : 1, Shortcut::option_a));
      in = width;
    }
    add_stage("layer" + std::to_string(i + 1), layers_[i]);
  }
  add_stage("avgpool", avgpool_);
  set_head("linear", linear_);
  name_all();
}

}  // namespace thaw
