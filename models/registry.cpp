#include "models/registry.h"

#include "models/cifar_resnet.h"
#include "models/densenet.h"
#include "models/nearest_names.h"
#include "models/resnet.h"
#include "models/scratch_cnn.h"

namespace thaw {

namespace {

using Maker = std::unique_ptr<Network> (*)(const std::string& name, const NetworkOptions&);

struct Entry {
  const char* name;
  NetworkFacts facts;
  Maker make;
};

template <class T, int depth>
std::unique_ptr<Network> resnet(const std::string&, const NetworkOptions& options) {
  return std::make_unique<T>(depth, options);
}

std::unique_ptr<Network> scratch_cnn(const std::string&, const NetworkOptions& options) {
  return std::make_unique<ScratchCnn>(options);
}

template <int depth>
std::unique_ptr<Network> densenet(const std::string&, const NetworkOptions& options) {
  return std::make_unique<DenseNet>(densenet_config(depth), options);
}

std::unique_ptr<Network> densenet_bc(const std::string& name, const NetworkOptions& options) {
  return std::make_unique<DenseNet>(*densenet_bc_config(name), options);
}

constexpr NetworkFacts imagenet{.num_classes = 1000}, cifar{.num_classes = 10},
    imagenet_densenet{.num_classes = 1000, .story = "features[0:9],features[11]"},
    by_hand{.num_classes = 2, .in_channels = 1, .one_size = true, .complete = ScratchCnn::complete};

// The last one stands for every depth and growth.
constexpr Entry entries[] = {
    {"resnet18", imagenet, resnet<ResNet, 18>},
    {"resnet34", imagenet, resnet<ResNet, 34>},
    {"resnet50", imagenet, resnet<ResNet, 50>},
    {"resnet101", imagenet, resnet<ResNet, 101>},
    {"resnet152", imagenet, resnet<ResNet, 152>},
    {"resnet20", cifar, resnet<CifarResNet, 20>},
    {"resnet32", cifar, resnet<CifarResNet, 32>},
    {"resnet44", cifar, resnet<CifarResNet, 44>},
    {"resnet56", cifar, resnet<CifarResNet, 56>},
    {"resnet110", cifar, resnet<CifarResNet, 110>},
    {"scratch_cnn", by_hand, scratch_cnn},
    {"densenet121", imagenet_densenet, densenet<121>},
    {"densenet161", imagenet_densenet, densenet<161>},
    {"densenet169", imagenet_densenet, densenet<169>},
    {"densenet201", imagenet_densenet, densenet<201>},
    {"densenet_bc_100_12", cifar, densenet_bc},
};

const Entry& find(const std::string& name) {
  for (const Entry& entry : entries)
    if (name == entry.name) return entry;
  if (densenet_bc_config(name)) return *std::rbegin(entries);
  throw Error("no model '" + name + "'" + nearest_text(name, model_names()));
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.emplace_back(entry.name);
  return names;
}

std::unique_ptr<Network> make_network(const std::string& name, const NetworkOptions& options) {
  const Entry& entry = find(name);
  // No product of an option with a width overflows then.
  constexpr std::int64_t most = 0x7fffffff;
  const auto check_option = [&](const char* what, std::int64_t value, std::int64_t low, std::int64_t high) {
    if (value < low || value > high)
      throw Error("model " + name + ": needs " + std::to_string(low) + " to " + std::to_string(high) + " " +
                  what + ", got " + std::to_string(value));
  };
  check_option("classes", options.num_classes, 1, most);
  check_option("input channels", options.in_channels, 1, 1024);  // each has a mean and a deviation
  check_option("views", options.views, 1, most);
  check_option("features", options.features, 0, most);
  return entry.make(name, options);
}

const NetworkFacts& network_facts(const std::string& name) {
  return find(name).facts;
}

}  // namespace thaw
