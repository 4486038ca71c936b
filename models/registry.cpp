#include "models/registry.h"

#include "models/densenet.h"
#include "models/nearest_names.h"
#include "models/resnet.h"
#include "models/scratch_cnn.h"

namespace thaw {

namespace {

constexpr NetworkFacts imagenet{.num_classes = 1000}, cifar{.num_classes = 10},
    four_dense_blocks{.num_classes = 1000, .story = "features[0:9],features[11]"},
    by_hand{.num_classes = 2, .in_channels = 1, .one_size = true, .complete = ScratchCnn::complete};

// Reads a description of the family.
struct Family {
  const char* name;
  const NetworkFacts& (*facts)(Description&);
  std::unique_ptr<Network> (*make)(Description&, const std::string& name, const NetworkOptions&);
};

constexpr Family families[] = {
    {"resnet",
     [](Description& d) -> const NetworkFacts& {
       return resnet_config(d).stem == Stem::cifar ? cifar : imagenet;
     },
     [](Description& d, const std::string& name, const NetworkOptions& options) -> std::unique_ptr<Network> {
       return std::make_unique<ResNet>(name, resnet_config(d), options);
     }},
    {"densenet",
     [](Description& d) -> const NetworkFacts& {
       const DenseNetConfig config = densenet_config(d);
       if (config.small_pictures) return cifar;
       return config.blocks.size() == 4 ? four_dense_blocks : imagenet;
     },
     [](Description& d, const std::string& name, const NetworkOptions& options) -> std::unique_ptr<Network> {
       return std::make_unique<DenseNet>(name, densenet_config(d), options);
     }},
    {"scratch_cnn",
     [](Description& d) -> const NetworkFacts& {
       d.finish();
       return by_hand;
     },
     [](Description& d, const std::string&, const NetworkOptions& options) -> std::unique_ptr<Network> {
       d.finish();
       return std::make_unique<ScratchCnn>(options);
     }},
};

struct Row {
  const char* name;
  const char* description;
};

// torchvision's, timm's (d), those for small pictures (He et al. 2016, section 4.2; b: with option-B shortcuts), the
// CNN built by hand, torchvision's DenseNets.
constexpr Row rows[] = {
    {"resnet18", "resnet:blocks=2-2-2-2"},
    {"resnet34", "resnet:blocks=3-4-6-3"},
    {"resnet50", "resnet:block=bottleneck,blocks=3-4-6-3"},
    {"resnet101", "resnet:block=bottleneck,blocks=3-4-23-3"},
    {"resnet152", "resnet:block=bottleneck,blocks=3-8-36-3"},
    {"resnext50_32x4d", "resnet:block=bottleneck,blocks=3-4-6-3,groups=32,group_width=4"},
    {"resnext101_32x8d", "resnet:block=bottleneck,blocks=3-4-23-3,groups=32,group_width=8"},
    {"resnext101_64x4d", "resnet:block=bottleneck,blocks=3-4-23-3,groups=64,group_width=4"},
    {"wide_resnet50_2", "resnet:block=bottleneck,blocks=3-4-6-3,group_width=128"},
    {"wide_resnet101_2", "resnet:block=bottleneck,blocks=3-4-23-3,group_width=128"},
    {"resnet18d", "resnet:blocks=2-2-2-2,stem=deep,shortcut=d"},
    {"resnet34d", "resnet:blocks=3-4-6-3,stem=deep,shortcut=d"},
    {"resnet50d", "resnet:block=bottleneck,blocks=3-4-6-3,stem=deep,shortcut=d"},
    {"resnet101d", "resnet:block=bottleneck,blocks=3-4-23-3,stem=deep,shortcut=d"},
    {"resnet20", "resnet:blocks=3-3-3,width=16,stem=cifar,shortcut=a"},
    {"resnet32", "resnet:blocks=5-5-5,width=16,stem=cifar,shortcut=a"},
    {"resnet44", "resnet:blocks=7-7-7,width=16,stem=cifar,shortcut=a"},
    {"resnet56", "resnet:blocks=9-9-9,width=16,stem=cifar,shortcut=a"},
    {"resnet110", "resnet:blocks=18-18-18,width=16,stem=cifar,shortcut=a"},
    {"resnet20b", "resnet:blocks=3-3-3,width=16,stem=cifar"},
    {"resnet32b", "resnet:blocks=5-5-5,width=16,stem=cifar"},
    {"resnet44b", "resnet:blocks=7-7-7,width=16,stem=cifar"},
    {"resnet56b", "resnet:blocks=9-9-9,width=16,stem=cifar"},
    {"resnet110b", "resnet:blocks=18-18-18,width=16,stem=cifar"},
    {"scratch_cnn", "scratch_cnn"},
    {"densenet121", "densenet:blocks=6-12-24-16"},
    {"densenet161", "densenet:growth=48,blocks=6-12-36-24"},
    {"densenet169", "densenet:blocks=6-12-32-32"},
    {"densenet201", "densenet:blocks=6-12-48-32"},
    {"densenet_bc_100_12", "densenet:growth=12,blocks=16-16-16,stem=cifar"},
};

Description description_of(const std::string& name) {
  for (const Row& row : rows)
    if (name == row.name) return Description(row.description);
  if (const auto bc = densenet_bc_description(name)) return Description(*bc);
  if (name.find(':') == std::string::npos)
    throw Error("no model '" + name.substr(0, 60) + "'" + nearest_text(name.substr(0, 60), model_names()));
  return Description(name);
}

const Family& family_of(const Description& description) {
  for (const Family& family : families)
    if (description.family() == family.name) return family;
  description.fail("no family of networks; there are resnet and densenet");
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Row& row : rows) names.emplace_back(row.name);
  return names;
}

bool same_model(const std::string& a, const std::string& b) {
  const auto text = [](const std::string& name) {
    Description description = description_of(name);
    family_of(description).facts(description);
    return description.text();
  };
  return text(a) == text(b);
}

std::unique_ptr<Network> make_network(const std::string& name, const NetworkOptions& options) {
  Description description = description_of(name);
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
  return family_of(description).make(description, name, options);
}

const NetworkFacts& network_facts(const std::string& name) {
  Description description = description_of(name);
  return family_of(description).facts(description);
}

}  // namespace thaw
