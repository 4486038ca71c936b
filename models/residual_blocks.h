// The blocks of residual networks (He et al. 2016): child names are torchvision's.
#pragma once

#include <memory>

#include "layers/conv_bn_act.h"

namespace thaw {

// How the identity path changes its shape: by a 1x1 convolution + BatchNorm named "downsample", or option A
// (no weights).
enum class Shortcut { projection, option_a };

// The projection: convolution "0", BatchNorm "1".
class Downsample : public Module {
 public:
  Downsample(std::int64_t in, std::int64_t out, std::int64_t stride);
  Variable forward(const Variable& x, Mode mode) override;

 private:
  Conv2d conv_;
  BatchNorm2d bn_;
};

// y = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)); both convolutions 3x3, the first with the stride.
class BasicBlock : public Module {
 public:
  BasicBlock(std::int64_t in, std::int64_t out, std::int64_t stride, Shortcut shortcut);
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

// 1x1 to `width`, 3x3 with the stride (version 1.5), 1x1 to 4 * width.
class Bottleneck : public Module {
 public:
  static constexpr std::int64_t expansion = 4;
  Bottleneck(std::int64_t in, std::int64_t width, std::int64_t stride);
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
