#include "models/residual_blocks.h"

#include "layers/shortcut_a.h"

namespace thaw {

namespace {

Conv2dConfig conv3x3(std::int64_t in, std::int64_t out, std::int64_t stride = 1) {
  return {.in = in, .out = out, .kernel = 3, .stride = stride, .padding = 1};
}

Conv2dConfig conv1x1(std::int64_t in, std::int64_t out, std::int64_t stride = 1) {
  return {.in = in, .out = out, .kernel = 1, .stride = stride};
}

}  // namespace

Downsample::Downsample(std::int64_t in, std::int64_t out, std::int64_t stride)
    : conv_(conv1x1(in, out, stride)), bn_(out) {
  add_child("0", conv_);
  add_child("1", bn_);
}

Variable Downsample::forward(const Variable& x, Mode mode) {
  return conv_bn_act(x, conv_, bn_, {}, Activation::none, mode);
}

BasicBlock::BasicBlock(std::int64_t in, std::int64_t out, std::int64_t stride, Shortcut shortcut)
    : conv1_(conv3x3(in, out, stride)), bn1_(out), conv2_(conv3x3(out, out)), bn2_(out), out_(out) {
  add_child("conv1", conv1_);
  add_child("bn1", bn1_);
  add_child("conv2", conv2_);
  add_child("bn2", bn2_);
  const bool changes = stride != 1 || in != out;
  option_a_ = changes && shortcut == Shortcut::option_a;
  if (changes && shortcut == Shortcut::projection) {
    downsample_ = std::make_unique<Downsample>(in, out, stride);
    add_child("downsample", *downsample_);
  }
}

Variable BasicBlock::forward(const Variable& x, Mode mode) {
  Variable identity = x;
  if (downsample_) identity = downsample_->forward(x, mode);
  if (option_a_) identity = shortcut_a(x, out_, path());
  const Variable y = conv_bn_act(x, conv1_, bn1_, {}, Activation::relu, mode);
  return conv_bn_act(y, conv2_, bn2_, identity, Activation::relu, mode);
}

Bottleneck::Bottleneck(std::int64_t in, std::int64_t width, std::int64_t stride)
    : conv1_(conv1x1(in, width)),
      bn1_(width),
      conv2_(conv3x3(width, width, stride)),
      bn2_(width),
      conv3_(conv1x1(width, width * expansion)),
      bn3_(width * expansion) {
  add_child("conv1", conv1_);
  add_child("bn1", bn1_);
  add_child("conv2", conv2_);
  add_child("bn2", bn2_);
  add_child("conv3", conv3_);
  add_child("bn3", bn3_);
  if (stride != 1 || in != width * expansion) {
    downsample_ = std::make_unique<Downsample>(in, width * expansion, stride);
    add_child("downsample", *downsample_);
  }
}

Variable Bottleneck::forward(const Variable& x, Mode mode) {
  const Variable identity = downsample_ ? downsample_->forward(x, mode) : x;
  Variable y = conv_bn_act(x, conv1_, bn1_, {}, Activation::relu, mode);
  y = conv_bn_act(y, conv2_, bn2_, {}, Activation::relu, mode);
  return conv_bn_act(y, conv3_, bn3_, identity, Activation::relu, mode);
}

}  // namespace thaw
