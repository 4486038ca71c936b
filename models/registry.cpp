#include "models/registry.h"

#include "models/cifar_resnet.h"
#include "models/nearest_names.h"
#include "models/resnet.h"
#include "models/scratch_cnn.h"

namespace thaw {

namespace {

struct Entry {
  const char* name;
  std::int64_t num_classes;
  std::unique_ptr<Network> (*make)(const NetworkOptions&);
};

template <class T, int depth>
std::unique_ptr<Network> make(const NetworkOptions& options) {
  return std::make_unique<T>(depth, options);
}

std::unique_ptr<Network> make_scratch_cnn(const NetworkOptions& options) {
  return std::make_unique<ScratchCnn>(options);
}

constexpr Entry entries[] = {
    {"resnet18", 1000, make<ResNet, 18>},    {"resnet34", 1000, make<ResNet, 34>},
    {"resnet50", 1000, make<ResNet, 50>},    {"resnet101", 1000, make<ResNet, 101>},
    {"resnet152", 1000, make<ResNet, 152>},  {"resnet20", 10, make<CifarResNet, 20>},
    {"resnet32", 10, make<CifarResNet, 32>}, {"resnet44", 10, make<CifarResNet, 44>},
    {"resnet56", 10, make<CifarResNet, 56>}, {"resnet110", 10, make<CifarResNet, 110>},
    {"scratch_cnn", 2, make_scratch_cnn},
};

const Entry& find(const std::string& name) {
  for (const Entry& entry : entries)
    if (name == entry.name) return entry;
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
  if (options.num_classes < 1 || options.in_channels < 1)
    throw Error("model " + name + ": needs at least 1 class and 1 input channel, got " +
                std::to_string(options.num_classes) + " and " + std::to_string(options.in_channels));
  if (options.views < 1 || options.features < 0)
    throw Error("model " + name + ": needs at least 1 view and no negative number of features, got " +
                std::to_string(options.views) + " and " + std::to_string(options.features));
  return entry.make(options);
}

std::int64_t default_num_classes(const std::string& name) {
  return find(name).num_classes;
}

std::int64_t default_in_channels(const std::string& name) {
  return name == "scratch_cnn" ? 1 : 3;
}

}  // namespace thaw
