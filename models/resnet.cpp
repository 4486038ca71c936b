#include "models/resnet.h"

#include <array>

#include "layers/norm_relu_pool.h"

namespace thaw {

namespace {

std::int64_t expansion(const ResNetConfig& c) {
  return c.bottleneck ? Bottleneck::expansion : 1;
}

std::int64_t pooled_channels(const ResNetConfig& c) {
  return (c.width << (c.blocks.size() - 1)) * expansion(c);
}

// Those of the blocks' convolutions, which are nearly all.
std::int64_t weights(const ResNetConfig& c) {
  std::int64_t sum = 0, in = c.width;
  for (std::size_t i = 0; i < c.blocks.size(); ++i) {
    const std::int64_t width = c.width << i, inner = (c.groups * c.group_width) << i,
                       out = width * expansion(c);
    const auto block = [&](std::int64_t from) {
      return c.bottleneck ? from * inner + 9 * inner * inner / c.groups + inner * out
                          : 9 * (from + out) * out;
    };
    sum += block(in) + (c.blocks[i] - 1) * block(out);
    in = out;
  }
  return sum;
}

InputDefaults input_of(const ResNetConfig& c) {
  if (c.stem != Stem::cifar)
    return {
        .mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}, .size = 224, .crop_pct = 0.875};
  // Idelbayev's weights were made with ImageNet's mean, other repositories' with CIFAR-10's.
  if (c.shortcut == Shortcut::a)
    return {.mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}, .size = 32, .crop_pct = 1.0};
  return {
      .mean = {0.4914f, 0.4822f, 0.4465f}, .std = {0.2023f, 0.1994f, 0.2010f}, .size = 32, .crop_pct = 1.0};
}

}  // namespace

ResNetConfig resnet_config(Description& d) {
  ResNetConfig c;
  c.bottleneck = d.choice("block", {"basic", "bottleneck"}) == 1;
  c.blocks = d.numbers("blocks", 1, 200, 6);
  c.width = d.number("width", 1, 1024, 64);
  c.groups = d.number("groups", 1, 1024, 1);
  c.group_width = d.number("group_width", 1, 1024, c.width % c.groups == 0 ? c.width / c.groups : 0);
  c.stem = static_cast<Stem>(d.choice("stem", {"imagenet", "cifar", "deep"}));
  c.shortcut = std::array{Shortcut::b, Shortcut::a, Shortcut::d}[d.choice("shortcut", {"b", "a", "d"})];
  d.finish();
  if (!c.bottleneck && (c.groups != 1 || c.group_width != c.width))
    d.fail("groups and group_width are of bottlenecks; give block=bottleneck, or leave them out");
  if (c.bottleneck && c.shortcut == Shortcut::a)
    d.fail("shortcut=a is for block=basic, where a layer doubles the channels; give shortcut=b or d");
  if (c.group_width < 1)
    d.fail("groups=" + std::to_string(c.groups) + " do not divide width=" + std::to_string(c.width) +
           "; give group_width too");
  if (c.stem == Stem::deep && c.width % 2 != 0)
    d.fail("stem=deep needs an even width, got " + std::to_string(c.width));
  d.limit_weights(weights(c));
  return c;
}

ResNet::ResNet(std::string name, const ResNetConfig& config, const NetworkOptions& options)
    : Network(std::move(name), input_of(config), options),
      bn1_(config.width),
      maxpool_(Pool2dSpec{.kernel = 3, .stride = 2, .padding = 1}),
      layers_(config.blocks.size()),
      fc_(options.joined(pooled_channels(config)), options.num_classes) {
  add_stem(config, options.in_channels);
  std::int64_t in = config.width;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::int64_t width = config.width << i;
    for (std::int64_t block = 0; block < config.blocks[i]; ++block) {
      const BlockConfig shape{.in = in,
                              .width = width,
                              .inner = (config.groups * config.group_width) << i,
                              .groups = config.groups,
                              .stride = block == 0 && i > 0 ? 2 : 1,
                              .shortcut = config.shortcut};
      if (config.bottleneck)
        layers_[i].append(std::make_unique<Bottleneck>(shape));
      else
        layers_[i].append(std::make_unique<BasicBlock>(shape));
      in = width * expansion(config);
    }
    add_stage("layer" + std::to_string(i + 1), layers_[i]);
  }
  add_stage("avgpool", avgpool_);
  set_head(config.shortcut == Shortcut::a ? "linear" : "fc", fc_);
  name_all();
}

void ResNet::add_stem(const ResNetConfig& config, std::int64_t in_channels) {
  // Up to the input of the last convolution before bn1, which goes into it where it folds, else with maxpool.
  Function front = [](const Variable& x, Mode) { return x; };
  if (config.stem == Stem::deep) {
    deep_conv1_.emplace(in_channels, config.width);
    front = [this](const Variable& x, Mode mode) { return deep_conv1_->front(x, mode); };
  } else {
    const bool cifar = config.stem == Stem::cifar;
    conv1_.emplace(Conv2dConfig{.in = in_channels,
                                .out = config.width,
                                .kernel = cifar ? 3 : 7,
                                .stride = cifar ? 1 : 2,
                                .padding = cifar ? 1 : 3});
  }
  Module& conv1 = deep_conv1_ ? static_cast<Module&>(*deep_conv1_) : *conv1_;
  Conv2d& last = deep_conv1_ ? deep_conv1_->last() : *conv1_;
  add_stage("conv1", conv1, Fusion{2, [this, front, &last](const Variable& x, Mode mode) {
                                     return folds(last, bn1_, mode) ? conv_bn_act(front(x, mode), last, bn1_,
                                                                                  {}, Activation::relu, mode)
                                                                    : Variable();
                                   }});
  const Function bn1_alone = [this](const Variable& x, Mode mode) {
    return batch_norm(x, bn1_, {}, Activation::relu, mode);
  };
  if (config.stem == Stem::cifar) return add_stage("bn1", bn1_, bn1_alone);
  add_stage("bn1", bn1_, bn1_alone, Fusion{2, [this](const Variable& x, Mode mode) {
                                             return norm_relu_pool(x, bn1_, maxpool_.spec(), mode);
                                           }});
  add_stage("maxpool", maxpool_);
}

std::string ResNet::current_name(const std::string& name) const {
  if (head_name() == "linear") return name;
  constexpr std::string_view linear = "linear.", shortcut = ".shortcut.";
  if (name.starts_with(linear)) return "fc." + name.substr(linear.size());
  const std::size_t at = name.find(shortcut);
  if (at == std::string::npos) return name;
  return name.substr(0, at) + ".downsample." + name.substr(at + shortcut.size());
}

}  // namespace thaw
