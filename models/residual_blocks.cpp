#include "models/residual_blocks.h"

#include "layers/shortcut_a.h"

namespace thaw {

namespace {

Conv2dConfig conv3x3(std::int64_t in, std::int64_t out, std::int64_t stride = 1, std::int64_t groups = 1) {
  return {.in = in, .out = out, .kernel = 3, .stride = stride, .padding = 1, .groups = groups};
}

Conv2dConfig conv1x1(std::int64_t in, std::int64_t out, std::int64_t stride = 1) {
  return {.in = in, .out = out, .kernel = 1, .stride = stride};
}

// Null where the shape stays, and for option A.
std::unique_ptr<Downsample> downsample(const BlockConfig& c, std::int64_t out) {
  if ((c.stride == 1 && c.in == out) || c.shortcut == Shortcut::a) return nullptr;
  return std::make_unique<Downsample>(c.in, out, c.stride, c.shortcut);
}

}  // namespace

Downsample::Downsample(std::int64_t in, std::int64_t out, std::int64_t stride, Shortcut shortcut)
    : conv_(conv1x1(in, out, shortcut == Shortcut::d ? 1 : stride)), bn_(out) {
  const bool d = shortcut == Shortcut::d;
  if (d && stride > 1) {
    pool_ = std::make_unique<AvgPool2d>(
        Pool2dSpec{.kernel = 2, .stride = stride, .ceil_mode = true, .count_include_pad = false});
    add_child("0", *pool_);
  }
  add_child(d ? "1" : "0", conv_);
  add_child(d ? "2" : "1", bn_);
}

Variable Downsample::forward(const Variable& x, Mode mode) {
  return conv_bn_act(pool_ ? pool_->forward(x, mode) : x, conv_, bn_, {}, Activation::none, mode);
}

BasicBlock::BasicBlock(const BlockConfig& c)
    : conv1_(conv3x3(c.in, c.width, c.stride)),
      bn1_(c.width),
      conv2_(conv3x3(c.width, c.width)),
      bn2_(c.width),
      downsample_(downsample(c, c.width)),
      option_a_(c.shortcut == Shortcut::a && (c.stride != 1 || c.in != c.width)),
      out_(c.width) {
  add_child("conv1", conv1_);
  add_child("bn1", bn1_);
  add_child("conv2", conv2_);
  add_child("bn2", bn2_);
  if (downsample_) add_child("downsample", *downsample_);
}

Variable BasicBlock::forward(const Variable& x, Mode mode) {
  Variable identity = x;
  if (downsample_) identity = downsample_->forward(x, mode);
  if (option_a_) identity = shortcut_a(x, out_, path());
  const Variable y = conv_bn_act(x, conv1_, bn1_, {}, Activation::relu, mode);
  return conv_bn_act(y, conv2_, bn2_, identity, Activation::relu, mode);
}

Bottleneck::Bottleneck(const BlockConfig& c)
    : conv1_(conv1x1(c.in, c.inner)),
      bn1_(c.inner),
      conv2_(conv3x3(c.inner, c.inner, c.stride, c.groups)),
      bn2_(c.inner),
      conv3_(conv1x1(c.inner, c.width * expansion)),
      bn3_(c.width * expansion),
      downsample_(downsample(c, c.width * expansion)) {
  add_child("conv1", conv1_);
  add_child("bn1", bn1_);
  add_child("conv2", conv2_);
  add_child("bn2", bn2_);
  add_child("conv3", conv3_);
  add_child("bn3", bn3_);
  if (downsample_) add_child("downsample", *downsample_);
}

Variable Bottleneck::forward(const Variable& x, Mode mode) {
  const Variable identity = downsample_ ? downsample_->forward(x, mode) : x;
  Variable y = conv_bn_act(x, conv1_, bn1_, {}, Activation::relu, mode);
  y = conv_bn_act(y, conv2_, bn2_, {}, Activation::relu, mode);
  return conv_bn_act(y, conv3_, bn3_, identity, Activation::relu, mode);
}

}  // namespace thaw
