#include "models/registry.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace thaw {
namespace {

std::string names_and_shapes(const std::string& model) {
  std::string text;
  const auto network = make_network(model, {.num_classes = default_num_classes(model)});
  for (const auto& [name, tensor] : network->state_dict())
    text += model + "\t" + name + "\t" + tensor.shape().text() + "\n";
  return text;
}

TEST_CASE("names, order and shapes of the state dicts are PyTorch's") {
  std::ifstream file(std::string(THAW_SOURCE_DIR) + "/tests/golden/resnet_names.tsv");
  REQUIRE(file);
  std::stringstream golden;
  golden << file.rdbuf();
  CHECK(names_and_shapes("resnet18") + names_and_shapes("resnet50") + names_and_shapes("resnet20") ==
        golden.str());
}

TEST_CASE("every model is what its name says") {
  // Parameters as torchvision and He et al. 2016 (table 6) publish them.
  const std::pair<const char*, std::int64_t> counts[] = {
      {"resnet18", 11689512},  {"resnet34", 21797672}, {"resnet50", 25557032},  {"resnet101", 44549160},
      {"resnet152", 60192808}, {"resnet20", 269722},   {"resnet32", 464154},    {"resnet44", 658586},
      {"resnet56", 853018},    {"resnet110", 1727962}, {"scratch_cnn", 7397937}};
  CHECK(model_names().size() == std::size(counts));
  for (const auto& [name, count] : counts) {
    const auto network = make_network(
        name, {.num_classes = default_num_classes(name), .in_channels = default_in_channels(name)});
    CHECK(network->name() == name);
    std::int64_t parameters = 0;
    for (const Parameter* p : network->parameters()) parameters += p->value.elements();
    CHECK_MESSAGE(parameters == count, name);
    CHECK(network->num_classes() ==
          (network->name() == "scratch_cnn" ? 1 : default_num_classes(name)));  // one logit for two classes
  }
}

TEST_CASE("input channels and classes are options") {
  const auto network = make_network("resnet18", {.num_classes = 2, .in_channels = 1});
  CHECK(network->state_dict().at("conv1.weight").shape() == Shape{64, 1, 7, 7});
  CHECK(network->state_dict().at("fc.weight").shape() == Shape{2, 512});
  CHECK(network->input().mean.size() == 1);
  CHECK(network->input().mean[0] == doctest::Approx(0.449));
  CHECK_THROWS_WITH_AS(make_network("resnet18", {.num_classes = 0}),
                       "model resnet18: needs at least 1 class and 1 input channel, got 0 and 3", Error);
}

TEST_CASE("an unknown model is answered with the nearest ones") {
  CHECK_THROWS_WITH_AS(make_network("resnet19"), "no model 'resnet19'; nearest: resnet18, resnet34, resnet50",
                       Error);
}

TEST_CASE("stages") {
  const auto network = make_network("resnet18");
  std::string names;
  for (const Network::Stage& stage : network->stages()) names += stage.name + " ";
  CHECK(names == "conv1 bn1 maxpool layer1 layer2 layer3 layer4 avgpool fc ");
  CHECK(network->stage_index("layer3") == 5);
  CHECK(network->head_name() == "fc");
  CHECK(make_network("resnet20")->head_name() == "linear");
  CHECK_THROWS_WITH_AS(network->stage_index("layer5"),
                       "resnet18 has no stage 'layer5'; nearest: layer1, layer2, layer3", Error);
}

}  // namespace
}  // namespace thaw
