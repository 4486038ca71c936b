#include "models/resnet.h"

#include <doctest/doctest.h>

#include "models/registry.h"
#include "models/weights/input_channels.h"
#include "models/weights/load.h"
#include "tests/models/formula.h"

namespace thaw {
namespace {

StateDict renamed(const StateDict& weights, const std::string& from, const std::string& to) {
  StateDict result;
  for (const auto& [name, tensor] : weights) {
    const std::size_t at = name.find(from);
    result.add(at == std::string::npos ? name : name.substr(0, at) + to + name.substr(at + from.size()),
               tensor);
  }
  return result;
}

TEST_CASE("resnet: option-B shortcuts and heads under the names of other repositories") {
  // kuangliu/pytorch-cifar and akamaster/pytorch_resnet_cifar10 say shortcut and linear.
  const auto from = make_network("resnet20b", {.num_classes = 3});
  const StateDict today = test::formula::weights(from->state_dict());
  CHECK(today.contains("layer2.0.downsample.1.running_mean"));
  CHECK_FALSE(today.contains("layer1.0.downsample.0.weight"));
  const StateDict theirs = renamed(renamed(today, "downsample", "shortcut"), "fc.", "linear.");
  CHECK(theirs.contains("layer2.0.shortcut.0.weight"));
  const auto to = make_network("resnet20b", {.num_classes = 3});
  load_weights(*to, theirs);
  const StateDict loaded = to->state_dict();
  for (const auto& [name, tensor] : today) CHECK(to_contiguous(loaded.at(name)) == to_contiguous(tensor));
  // Option A has no such tensors, and its head is called linear.
  CHECK_THROWS_AS(load_weights(*make_network("resnet20", {.num_classes = 3}), theirs), Error);
}

TEST_CASE("resnet: stages and tensors of the descriptions") {
  const auto small = make_network(
      "resnet:block=bottleneck,blocks=1-2-1,width=32,groups=4,group_width=16,stem=cifar", {.num_classes = 5});
  std::string names;
  for (const Network::Stage& stage : small->stages()) names += stage.name + " ";
  CHECK(names == "conv1 bn1 layer1 layer2 layer3 avgpool fc ");
  const StateDict state = small->state_dict();
  CHECK(state.at("conv1.weight").shape() == Shape{32, 3, 3, 3});
  CHECK(state.at("layer1.0.conv1.weight").shape() == Shape{64, 32, 1, 1});
  CHECK(state.at("layer2.1.conv2.weight").shape() == Shape{128, 32, 3, 3});
  CHECK(state.at("layer3.0.conv3.weight").shape() == Shape{512, 256, 1, 1});
  CHECK(state.at("fc.weight").shape() == Shape{5, 512});
  CHECK(small->input().size == 32);

  const auto deep = make_network("resnet:blocks=1-1,width=8,stem=deep,shortcut=d", {.num_classes = 5});
  CHECK(deep->stage_index("maxpool") == 2);
  CHECK(deep->state_dict().at("conv1.0.weight").shape() == Shape{4, 3, 3, 3});
  CHECK(deep->state_dict().at("conv1.6.weight").shape() == Shape{8, 4, 3, 3});
  CHECK(deep->state_dict().at("layer2.0.downsample.1.weight").shape() == Shape{16, 8, 1, 1});
  CHECK(deep->state_dict().contains("layer2.0.downsample.2.running_var"));
}

TEST_CASE("resnet: colour weights of a deep stem are summed for grey pictures") {
  const auto colour = make_network("resnet:blocks=1,width=8,stem=deep,shortcut=d", {.num_classes = 5});
  const auto grey =
      make_network("resnet:blocks=1,width=8,stem=deep,shortcut=d", {.num_classes = 5, .in_channels = 1});
  StateDict weights = test::formula::weights(colour->state_dict());
  const auto before = to_contiguous(weights.at("conv1.0.weight"));
  CHECK(adapt_input_channels(*grey, weights) ==
        "conv1.0.weight summed over its 3 channels, for pictures of 1");
  CHECK(to_contiguous(weights.at("conv1.0.weight"))[0] ==
        doctest::Approx(before[0] + before[9] + before[18]));
  load_weights(*grey, weights);
}

}  // namespace
}  // namespace thaw
