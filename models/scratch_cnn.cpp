#include "models/scratch_cnn.h"

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/dropout.h"
#include "layers/flatten.h"
#include "layers/pool2d.h"

namespace thaw {

namespace {

constexpr std::int64_t channels[] = {8, 16, 32, 64};
constexpr std::int64_t hidden = 128;
constexpr float dropout_rate = 0.3f;

std::int64_t size_of(const NetworkOptions& options) {
  return options.input_size > 0 ? options.input_size : ScratchCnn::default_size;
}

// Values that are left of one picture.
std::int64_t width_of(const NetworkOptions& options) {
  std::int64_t side = size_of(options);
  for (std::size_t i = 0; i < std::size(channels); ++i) side = (side - 2) / 2;
  if (side < 1)
    throw Error("scratch_cnn: nothing is left of pictures of " + std::to_string(size_of(options)) +
                " pixels; use --input-size 46 or more");
  return std::end(channels)[-1] * side * side;
}

}  // namespace

ScratchCnn::ScratchCnn(const NetworkOptions& options)
    : Network("scratch_cnn", {.mean = {0.5f}, .std = {0.5f}, .size = size_of(options), .crop_pct = 1.0},
              options) {
  std::int64_t in = options.in_channels;
  for (const std::int64_t out : channels) {
    features_.append(std::make_unique<Conv2d>(Conv2dConfig{.in = in, .out = out, .kernel = 3, .bias = true}));
    features_.append(std::make_unique<ReLU>());
    features_.append(std::make_unique<MaxPool2d>(Pool2dSpec{.kernel = 2, .stride = 2}));
    features_.append(std::make_unique<BatchNorm2d>(out));
    in = out;
  }
  features_.append(std::make_unique<Flatten>());
  auto logits = std::make_unique<Linear>(hidden, options.num_classes == 2 ? 1 : options.num_classes);
  Linear& head = *logits;
  classifier_.append(std::make_unique<Linear>(options.joined(width_of(options)), hidden));
  classifier_.append(std::make_unique<BatchNorm2d>(hidden));
  classifier_.append(std::make_unique<ReLU>());
  classifier_.append(std::make_unique<Dropout>(dropout_rate));
  classifier_.append(std::move(logits));

  add_child("features", features_);
  add_child("classifier", classifier_);
  const auto add = [this](const std::string& name, Module& module) {
    add_inner_stage(name, module,
                    [&module](const Variable& x, Mode mode) { return module.forward(x, mode); });
  };
  for (const Child& c : features_.children()) add("features." + c.name, *c.module);
  join_next();
  for (const Child& c : classifier_.children())
    if (c.module != &head) add("classifier." + c.name, *c.module);
  set_inner_head("classifier.4", head);
  name_all();
}

NetworkOptions ScratchCnn::complete(NetworkOptions options, const StateDict& weights) {
  const Tensor* joined = weights.find("classifier.0.weight");
  if (joined == nullptr || joined->shape().rank() != 2) return options;
  const std::int64_t width = joined->shape()[1], of_a_view = width_of(options);
  if (width < of_a_view) return options;  // of pictures of another size
  options.views = width / of_a_view;
  options.features = width % of_a_view;
  return options;
}

}  // namespace thaw
