// The blocks of residual networks (He et al. 2016): child names are torchvision's.
#pragma once

#include <memory>

#include "layers/conv_bn_act.h"
#include "layers/pool2d.h"

namespace thaw {

// How the identity path changes its shape: option A (every second pixel and zero channels; no weights), option B (a 1x1
// convolution with the stride + BatchNorm), or ResNet-D's (2x2 average pooling, then a 1x1 convolution + BatchNorm).
enum class Shortcut { a, b, d };

struct BlockConfig {
  std::int64_t in;
  std::int64_t width;   // what the block makes; a bottleneck makes 4 times as many channels
  std::int64_t inner;   // a bottleneck's: channels of its 3x3 convolution
  std::int64_t groups;  // and groups of it
  std::int64_t stride;
  Shortcut shortcut;
};

// Option B: convolution "0", BatchNorm "1". Option D, as timm's: pooling "0" where there is a stride, "1" and "2".
class Downsample : public Module {
 public:
  Downsample(std::int64_t in, std::int64_t out, std::int64_t stride, Shortcut shortcut);
  Variable forward(const Variable& x, Mode mode) override;

 private:
  std::unique_ptr<AvgPool2d> pool_;
  Conv2d conv_;
  BatchNorm2d bn_;
};

// y = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)); both convolutions 3x3, the first with the stride.
class BasicBlock : public Module {
 public:
  explicit BasicBlock(const BlockConfig& config);
  Variable forward(const Variable& x, Mode mode) override;

 private:
  Conv2d conv1_;
  BatchNorm2d bn1_;
  Conv2d conv2_;
  BatchNorm2d bn2_;
  std::unique_ptr<Downsample> downsample_;
  bool option_a_;
  std::int64_t out_;
};

// 1x1 to `inner`, 3x3 in groups with the stride (version 1.5), 1x1 to 4 * width. No option A.
class Bottleneck : public Module {
 public:
  static constexpr std::int64_t expansion = 4;
  explicit Bottleneck(const BlockConfig& config);
  Variable forward(const Variable& x, Mode mode) override;

 private:
  Conv2d conv1_;
  BatchNorm2d bn1_;
  Conv2d conv2_;
  BatchNorm2d bn2_;
  Conv2d conv3_;
  BatchNorm2d bn3_;
  std::unique_ptr<Downsample> downsample_;
};

}  // namespace thaw
