#include "models/resnet.h"

#include "layers/norm_relu_pool.h"

namespace thaw {

namespace {

struct Plan {
  int depth;
  std::array<int, 4> blocks;
  bool bottleneck;
};

const Plan& plan_of(int depth) {
  static constexpr Plan plans[] = {{18, {2, 2, 2, 2}, false},
                                   {34, {3, 4, 6, 3}, false},
                                   {50, {3, 4, 6, 3}, true},
                                   {101, {3, 4, 23, 3}, true},
                                   {152, {3, 8, 36, 3}, true}};
  for (const Plan& plan : plans)
    if (plan.depth == depth) return plan;
  throw Error("resnet: no depth " + std::to_string(depth) + "; there are 18, 34, 50, 101, 152");
}

constexpr std::int64_t base_width = 64;

std::int64_t pooled_channels(int depth) {
  return 8 * base_width * (plan_of(depth).bottleneck ? Bottleneck::expansion : 1);
}

}  // namespace

ResNet::ResNet(int depth, const NetworkOptions& options)
    : Network(
          "resnet" + std::to_string(depth),
          {.mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}, .size = 224, .crop_pct = 0.875},
          options),
      conv1_({.in = options.in_channels, .out = base_width, .kernel = 7, .stride = 2, .padding = 3}),
      bn1_(base_width),
      maxpool_(Pool2dSpec{.kernel = 3, .stride = 2, .padding = 1}),
      fc_(options.joined(pooled_channels(depth)), options.num_classes) {
  // bn1 goes into conv1 where it folds, else with maxpool.
  add_stage("conv1", conv1_, Fusion{2, [this](const Variable& x, Mode mode) {
                                      return folds(conv1_, bn1_, mode)
                                                 ? conv_bn_act(x, conv1_, bn1_, {}, Activation::relu, mode)
                                                 : Variable();
                                    }});
  add_stage(
      "bn1", bn1_,
      [this](const Variable& x, Mode mode) { return batch_norm(x, bn1_, {}, Activation::relu, mode); },
      Fusion{2, [this](const Variable& x, Mode mode) {
               return norm_relu_pool(x, bn1_, maxpool_.spec(), mode);
             }});
  add_stage("maxpool", maxpool_);

  const Plan& plan = plan_of(depth);
  std::int64_t in = base_width;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::int64_t width = base_width << i;
    for (int block = 0; block < plan.blocks[i]; ++block) {
      const std::int64_t stride = block == 0 && i > 0 ? 2 : 1;
      if (plan.bottleneck)
        layers_[i].append(std::make_unique<Bottleneck>(in, width, stride));
      else
        layers_[i].append(std::make_unique<BasicBlock>(in, width, stride, Shortcut::projection));
      in = plan.bottleneck ? width * Bottleneck::expansion : width;
    }
    add_stage("layer" + std::to_string(i + 1), layers_[i]);
  }
  add_stage("avgpool", avgpool_);
  set_head("fc", fc_);
  name_all();
}

}  // namespace thaw
