#include "models/densenet.h"

#include <regex>

#include "layers/conv_bn_act.h"
#include "layers/norm_relu_pool.h"

namespace thaw {

namespace {

std::int64_t channels_after(const DenseNetConfig& c, std::size_t blocks) {
  std::int64_t channels = c.initial;
  for (std::size_t i = 0; i < blocks; ++i) {
    channels += c.blocks[i] * c.growth;
    if (i + 1 < c.blocks.size()) channels /= 2;
  }
  return channels;
}

// Those of the layers' convolutions, which are nearly all.
std::int64_t weights(const DenseNetConfig& c) {
  std::int64_t sum = 0;
  const std::int64_t inner = c.bn_size * c.growth;
  for (std::size_t i = 0; i < c.blocks.size(); ++i) {
    const std::int64_t layers = c.blocks[i], in = channels_after(c, i);
    sum += inner * (layers * in + c.growth * layers * (layers - 1) / 2) + 9 * inner * c.growth * layers;
  }
  return sum;
}

InputDefaults input_of(const DenseNetConfig& c) {
  if (c.small_pictures)
    return {
        .mean = {0.4914f, 0.4822f, 0.4465f}, .std = {0.2023f, 0.1994f, 0.2010f}, .size = 32, .crop_pct = 1.0};
  return {.mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}, .size = 224, .crop_pct = 0.875};
}

}  // namespace

DenseNetConfig densenet_config(Description& d) {
  DenseNetConfig c;
  c.growth = d.number("growth", 1, 256, 32);
  c.blocks = d.numbers("blocks", 1, 128, 6);
  c.initial = d.number("initial", 1, 1024, 2 * c.growth);
  c.bn_size = d.number("bn_size", 1, 16, 4);
  c.small_pictures = d.choice("stem", {"imagenet", "cifar"}) == 1;
  d.finish();
  d.limit_weights(weights(c));
  return c;
}

std::optional<std::string> densenet_bc_description(const std::string& name) {
  static const std::regex form("densenet_bc_([1-9][0-9]{0,3})_([1-9][0-9]{0,3})");
  std::smatch parts;
  if (!std::regex_match(name, parts, form)) return {};
  const std::int64_t depth = std::stoll(parts[1]);
  // conv0, two transitions and the classifier; a layer has two convolutions.
  if (depth < 10 || (depth - 4) % 6 != 0)
    throw Error("model " + name + ": the depth must be 6 n + 4 (10, 16, ..., 100, ...), got " +
                parts[1].str());
  if (depth > 400 || std::stoll(parts[2]) > 100)
    throw Error("model " + name + ": the depth goes up to 400, the growth up to 100");
  const std::string layers = std::to_string((depth - 4) / 6);
  return "densenet:growth=" + parts[2].str() + ",blocks=" + layers + "-" + layers + "-" + layers +
         ",stem=cifar";
}

DenseNet::DenseNet(std::string name, const DenseNetConfig& config, const NetworkOptions& options)
    : Network(std::move(name), input_of(config), options),
      classifier_(options.joined(channels_after(config, config.blocks.size())), options.num_classes) {
  add_child("features", features_);
  add_stem(config, options.in_channels);
  for (std::size_t i = 0; i < config.blocks.size(); ++i)
    add_block(std::to_string(i + 1), channels_after(config, i), config.blocks[i], config,
              i + 1 == config.blocks.size());
  add_stage("avgpool", avgpool_);
  set_head("classifier", classifier_);
  name_all();
}

template <class T, class... Args>
T& DenseNet::add(const std::string& name, Args&&... args) {
  auto module = std::make_unique<T>(std::forward<Args>(args)...);
  T& reference = *module;
  features_.append(std::move(module), name);
  return reference;
}

void DenseNet::add_stem(const DenseNetConfig& config, std::int64_t in_channels) {
  const Conv2dConfig shape =
      config.small_pictures
          ? Conv2dConfig{.in = in_channels, .out = config.initial, .kernel = 3, .padding = 1}
          : Conv2dConfig{.in = in_channels, .out = config.initial, .kernel = 7, .stride = 2, .padding = 3};
  auto& conv0 = add<Conv2d>("conv0", shape);
  auto& norm0 = add<BatchNorm2d>("norm0", config.initial);
  // norm0 goes into conv0 where it folds, else with pool0 where there is one.
  add_inner_stage(
      "conv0", conv0, [&conv0](const Variable& x, Mode mode) { return conv0.forward(x, mode); },
      Fusion{2, [&](const Variable& x, Mode mode) {
               return folds(conv0, norm0, mode) ? conv_bn_act(x, conv0, norm0, {}, Activation::relu, mode)
                                                : Variable();
             }});
  const Function norm0_alone = [&norm0](const Variable& x, Mode mode) {
    return batch_norm(x, norm0, {}, Activation::relu, mode);
  };
  auto& relu0 = add<ReLU>("relu0");
  const Function same = [](const Variable& x, Mode) { return x; };
  if (config.small_pictures) {
    add_inner_stage("norm0", norm0, norm0_alone);
    add_inner_stage("relu0", relu0, same);
    return;
  }
  const Pool2dSpec pool{.kernel = 3, .stride = 2, .padding = 1};
  auto& pool0 = add<MaxPool2d>("pool0", pool);
  add_inner_stage("norm0", norm0, norm0_alone, Fusion{3, [&norm0, pool](const Variable& x, Mode mode) {
                                                        return norm_relu_pool(x, norm0, pool, mode);
                                                      }});
  add_inner_stage("relu0", relu0, same);
  add_inner_stage("pool0", pool0, [&pool0](const Variable& x, Mode mode) { return pool0.forward(x, mode); });
}

// A block and what follows it, which shares the statistics of the block's channels where both run together.
void DenseNet::add_block(const std::string& number, std::int64_t in, std::int64_t layers,
                         const DenseNetConfig& config, bool last) {
  auto& block = add<DenseBlock>("denseblock" + number, in, config.growth, layers, config.bn_size);
  const Function alone = [&block](const Variable& x, Mode mode) { return block.forward(x, mode); };
  if (last) {
    auto& norm5 = add<BatchNorm2d>("norm5", block.out());
    const Function with_norm5 = [&](const Variable& x, Mode mode) {
      BatchStatistics statistics;
      const Variable y = block.forward(x, mode, statistics);
      return batch_norm(y, norm5, {}, Activation::relu, mode,
                        statistics.mean.defined() ? &statistics : nullptr);
    };
    add_inner_stage("denseblock" + number, block, alone, Fusion{2, with_norm5});
    add_inner_stage("norm5", norm5, [&norm5](const Variable& x, Mode mode) {
      return batch_norm(x, norm5, {}, Activation::relu, mode);
    });
    return;
  }
  auto& transition = add<DenseTransition>("transition" + number, block.out(), block.out() / 2);
  const Function with_transition = [&](const Variable& x, Mode mode) {
    BatchStatistics statistics;
    const Variable y = block.forward(x, mode, statistics);
    return transition.forward(y, mode, statistics);
  };
  add_inner_stage("denseblock" + number, block, alone, Fusion{2, with_transition});
  add_inner_stage("transition" + number, transition,
                  [&transition](const Variable& x, Mode mode) { return transition.forward(x, mode); });
}

std::string DenseNet::current_name(const std::string& name) const {
  // Most names are current; a regular expression takes its time.
  const auto has = [&name](const char* part) { return name.find(part) != std::string::npos; };
  if (!has(".norm.") && !has(".conv.") && !has(".relu.")) return name;
  static const std::regex old("(.*\\.denselayer[0-9]+\\.(?:norm|relu|conv))\\.([12]\\.[^.]+)");
  return std::regex_replace(name, old, "$1$2");
}

}  // namespace thaw
