#include "models/registry.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace thaw {
namespace {

std::string names_and_shapes(const std::string& model) {
  std::string text;
  const auto network = make_network(model, {.num_classes = network_facts(model).num_classes});
  for (const auto& [name, tensor] : network->state_dict())
    text += model + "\t" + name + "\t" + tensor.shape().text() + "\n";
  return text;
}

std::string golden_names(const std::string& family) {
  std::ifstream file(std::string(THAW_SOURCE_DIR) + "/tests/golden/" + family + "_names.tsv");
  REQUIRE(file);
  std::stringstream golden;
  golden << file.rdbuf();
  return golden.str();
}

TEST_CASE("names, order and shapes of the state dicts are PyTorch's") {
  CHECK(names_and_shapes("resnet18") + names_and_shapes("resnet50") + names_and_shapes("resnet20") +
            names_and_shapes("resnet50d") + names_and_shapes("resnet20b") ==
        golden_names("resnet"));
  CHECK(names_and_shapes("densenet121") + names_and_shapes("densenet161") +
            names_and_shapes("densenet_bc_100_12") ==
        golden_names("densenet"));
}

TEST_CASE("every model is what its name says") {
  // Parameters as torchvision publishes them; those of timm's networks as timm 1.0.31 makes them; table 6 of He et
  // al. 2016, to which option B adds 32 * 16 + 64 * 32 weights and 2 * (32 + 64) of BatchNorm; table 2 of Huang et al.
  // 2017 ("0.8M").
  const std::pair<const char*, std::int64_t> counts[] = {
      {"resnet18", 11689512},         {"resnet34", 21797672},        {"resnet50", 25557032},
      {"resnet101", 44549160},        {"resnet152", 60192808},       {"resnet20", 269722},
      {"resnet32", 464154},           {"resnet44", 658586},          {"resnet56", 853018},
      {"resnet110", 1727962},         {"densenet121", 7978856},      {"densenet161", 28681000},
      {"densenet169", 14149480},      {"densenet201", 20013928},     {"densenet_bc_100_12", 769210},
      {"scratch_cnn", 7397937},       {"resnext50_32x4d", 25028904}, {"resnext101_32x8d", 88791336},
      {"resnext101_64x4d", 83455272}, {"wide_resnet50_2", 68883240}, {"wide_resnet101_2", 126886696},
      {"resnet18d", 11708744},        {"resnet34d", 21816904},       {"resnet50d", 25576264},
      {"resnet101d", 44568392},       {"resnet20b", 272474},         {"resnet32b", 466906},
      {"resnet44b", 661338},          {"resnet56b", 855770},         {"resnet110b", 1730714}};
  CHECK(model_names().size() == std::size(counts));
  for (const auto& [name, count] : counts) {
    const auto network = make_network(name, {.num_classes = network_facts(name).num_classes,
                                             .in_channels = network_facts(name).in_channels});
    CHECK(network->name() == name);
    std::int64_t parameters = 0;
    for (const Parameter* p : network->parameters()) parameters += p->value.elements();
    CHECK_MESSAGE(parameters == count, name);
    CHECK(network->num_classes() == (network->name() == "scratch_cnn"
                                         ? 1
                                         : network_facts(name).num_classes));  // one logit for two classes
  }
}

TEST_CASE("input channels and classes are options") {
  const auto network = make_network("resnet18", {.num_classes = 2, .in_channels = 1});
  CHECK(network->state_dict().at("conv1.weight").shape() == Shape{64, 1, 7, 7});
  CHECK(network->state_dict().at("fc.weight").shape() == Shape{2, 512});
  CHECK(network->input().mean.size() == 1);
  CHECK(network->input().mean[0] == doctest::Approx(0.449));
  CHECK_THROWS_WITH_AS(make_network("resnet18", {.num_classes = 0}),
                       "model resnet18: needs 1 to 2147483647 classes, got 0", Error);
  CHECK_THROWS_WITH_AS(make_network("resnet18", {.in_channels = std::int64_t{1} << 61}),
                       "model resnet18: needs 1 to 1024 input channels, got 2305843009213693952", Error);
  CHECK_THROWS_AS(make_network("resnet18", {.views = 0}), Error);
  CHECK_THROWS_AS(make_network("resnet18", {.features = -1}), Error);
}

TEST_CASE("an unknown model is answered with the nearest ones") {
  CHECK_THROWS_WITH_AS(make_network("resnet19"), "no model 'resnet19'; nearest: resnet18, resnet34, resnet50",
                       Error);
}

TEST_CASE("a registered name and its description are one network") {
  CHECK(same_model("resnet18", "resnet18"));
  CHECK(same_model("resnet18", "resnet:blocks=2-2-2-2"));
  CHECK(same_model("resnext50_32x4d",
                   "resnet:group_width=4,groups=32,blocks=3-4-6-3,width=64,block=bottleneck"));
  CHECK(same_model("densenet161", "densenet:growth=48,blocks=6-12-36-24,initial=96"));
  CHECK(same_model("densenet_bc_16_6", "densenet:stem=cifar,growth=6,blocks=2-2-2"));
  CHECK_FALSE(same_model("resnet50", "wide_resnet50_2"));
  CHECK_FALSE(same_model("resnet20", "resnet20b"));
  CHECK_FALSE(same_model("resnet18", "resnet:blocks=2-2-2-2,stem=cifar"));
  CHECK_THROWS_AS(same_model("resnet18", "resnet19"), Error);
  // No two rows of the registry are one network.
  const std::vector<std::string> names = model_names();
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK_FALSE_MESSAGE(same_model(names[i], names[j]), names[i]);
}

TEST_CASE("a description has the facts of its kind, and is the network's name") {
  const std::string small = "resnet:blocks=2-2-2-2,stem=cifar";
  CHECK(network_facts(small).num_classes == 10);
  CHECK(network_facts("resnet:blocks=2-2-2-2").num_classes == 1000);
  CHECK(std::string(network_facts("densenet:blocks=1-1-1-1").story) == network_facts("densenet121").story);
  CHECK(std::string(network_facts("densenet:blocks=1-1").story).empty());
  CHECK(make_network(small)->name() == small);
}

TEST_CASE("DenseNet-BC has any depth and growth") {
  const auto network = make_network("densenet_bc_16_6", {.num_classes = 3});
  CHECK(network->name() == "densenet_bc_16_6");
  CHECK(network_facts("densenet_bc_16_6").num_classes == 10);
  CHECK(network->state_dict().at("features.conv0.weight").shape() == Shape{12, 3, 3, 3});
  CHECK(network->state_dict().at("features.denseblock3.denselayer2.conv2.weight").shape() ==
        Shape{6, 24, 3, 3});
  CHECK(network->state_dict().at("classifier.weight").shape() == Shape{3, 24});
  CHECK_THROWS_WITH_AS(make_network("densenet_bc_17_6"),
                       "model densenet_bc_17_6: the depth must be 6 n + 4 (10, 16, ..., 100, ...), got 17",
                       Error);
  CHECK_THROWS_AS(make_network("densenet_bc_4_6"), Error);
  CHECK_THROWS_AS(make_network("densenet_bc_406_6"), Error);
  CHECK_THROWS_AS(make_network("densenet_bc_16_101"), Error);
  CHECK_THROWS_AS(make_network("densenet_bc_16_0"), Error);
  CHECK_THROWS_AS(make_network("densenet_bc_16_6x"), Error);
}

TEST_CASE("stages") {
  const auto network = make_network("resnet18");
  std::string names;
  for (const Network::Stage& stage : network->stages()) names += stage.name + " ";
  CHECK(names == "conv1 bn1 maxpool layer1 layer2 layer3 layer4 avgpool fc ");
  CHECK(network->stage_index("layer3") == 5);
  CHECK(network->head_name() == "fc");
  CHECK(make_network("resnet20")->head_name() == "linear");
  names.clear();
  const auto densenet = make_network("densenet121");
  for (const Network::Stage& stage : densenet->stages()) names += stage.name + " ";
  CHECK(names ==
        "conv0 norm0 relu0 pool0 denseblock1 transition1 denseblock2 transition2 denseblock3 transition3 "
        "denseblock4 norm5 avgpool classifier ");
  CHECK(densenet->head_name() == "classifier");
  CHECK_THROWS_WITH_AS(network->stage_index("layer5"),
                       "resnet18 has no stage 'layer5'; nearest: layer1, layer2, layer3", Error);
}

}  // namespace
}  // namespace thaw
