#include "models/freeze/plan.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "models/registry.h"

namespace thaw {
namespace {

// The modules that directly hold frozen parameters, joined; empty stages do not show.
std::string frozen(const std::string& model, const std::string& spec) {
  const auto network = make_network(model, {.num_classes = 10});
  apply_freeze_plan(*network, spec);
  std::string text;
  network->visit([&](Module& m) {
    if (m.own_parameters().empty()) return;
    const bool all = std::all_of(m.own_parameters().begin(), m.own_parameters().end(),
                                 [](const Parameter* p) { return p->frozen; });
    CHECK(all == m.frozen());
    if (all) text += (text.empty() ? "" : " ") + m.path();
  });
  return text;
}

std::string error_of(const std::string& spec) {
  try {
    frozen("resnet18", spec);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

const std::string layer1_block0 = "layer1.0.conv1 layer1.0.bn1 layer1.0.conv2 layer1.0.bn2";
const std::string layer1_block1 = "layer1.1.conv1 layer1.1.bn1 layer1.1.conv2 layer1.1.bn2";

TEST_CASE("freeze plans: each item's meaning") {
  CHECK(frozen("resnet18", "none") == "");
  CHECK(frozen("resnet18", "layer1[0]") == layer1_block0);
  CHECK(frozen("resnet18", "layer1[1:2]") == layer1_block1);
  CHECK(frozen("resnet18", "layer1[0:2]") == layer1_block0 + " " + layer1_block1);
  CHECK(frozen("resnet18", "layer1") == layer1_block0 + " " + layer1_block1);
  CHECK(frozen("resnet18", "stages[0:2]") == "conv1 bn1");
  CHECK(frozen("resnet18", "upto:bn1") == "conv1 bn1");
  CHECK(frozen("resnet18", "upto:layer1") == "conv1 bn1 " + layer1_block0 + " " + layer1_block1);
  CHECK(frozen("resnet18", "layer1.?.conv1") == "layer1.0.conv1 layer1.1.conv1");
  CHECK(frozen("resnet18", "layer1[1], conv1 ,fc") == "conv1 " + layer1_block1 + " fc");
  CHECK(frozen("resnet18", "*downsample*") ==
        "layer2.0.downsample.0 layer2.0.downsample.1 layer3.0.downsample.0 layer3.0.downsample.1 "
        "layer4.0.downsample.0 layer4.0.downsample.1");
}

TEST_CASE("freeze plans: the indices of DenseNet's features") {
  const auto network = make_network("densenet121", {.num_classes = 2});
  apply_freeze_plan(*network, "features[0:9],features[11]");
  for (const Parameter* p : network->parameters()) {
    const bool trained = p->name.starts_with("features.transition3.") ||
                         p->name.starts_with("features.denseblock4.") || p->name.starts_with("classifier.");
    CHECK_MESSAGE(p->frozen == !trained, p->name);
  }
  const auto frozen_in = [&](const std::string& spec) { return modules_to_freeze(*network, spec); };
  CHECK(frozen_in("features[9:11]") == frozen_in("features.transition3,features.denseblock4"));
  CHECK(frozen_in("upto:norm5") == frozen_in("features[0:12]"));
  CHECK(frozen("densenet_bc_16_6", "features.denseblock2.denselayer1") ==
        "features.denseblock2.denselayer1.norm1 features.denseblock2.denselayer1.conv1 "
        "features.denseblock2.denselayer1.norm2 features.denseblock2.denselayer1.conv2");
  CHECK(frozen("densenet_bc_16_6", "features.denseblock2[0]") ==
        frozen("densenet_bc_16_6", "features.denseblock2.denselayer1"));
}

TEST_CASE("freeze plans: backbone is all but the head") {
  for (const char* model : {"resnet18", "resnet20", "densenet_bc_16_6"}) {
    const auto network = make_network(model, {.num_classes = 10});
    apply_freeze_plan(*network, "backbone");
    for (const Parameter* p : network->parameters())
      CHECK(p->frozen == !p->name.starts_with(network->head_name() + "."));
    apply_freeze_plan(*network, "none");
    for (const Parameter* p : network->parameters()) CHECK(!p->frozen);
  }
}

TEST_CASE("freeze plans: what is wrong is named, with the nearest names") {
  CHECK(error_of("layr1") == "--freeze 'layr1': no module of resnet18 fits; nearest: layer1, layer2, layer3");
  CHECK(error_of("upto:layer9") ==
        "--freeze 'upto:layer9': resnet18 has no stage 'layer9'; nearest: layer1, layer2, layer3");
  CHECK(error_of("features[0:9]")
            .starts_with("--freeze 'features[0:9]': resnet18 has no module 'features'; nearest: "));
  CHECK(error_of("layer1[0:3]") ==
        "--freeze 'layer1[0:3]': there are 2, so indices go from 0 to 1 and a:b leaves out b");
  CHECK(error_of("layer1[2]").find("indices go from 0 to 1") != std::string::npos);
  CHECK(error_of("layer1[1:1]").find("indices go from 0 to 1") != std::string::npos);
  CHECK(error_of("fc[0]") == "--freeze 'fc[0]': 'fc' has nothing inside to count");
  for (const char* spec : {"layer1[", "layer1]", "layer1[]", "layer1[-1]", "layer1[0:]", "layer1[a]", "[0]",
                           "layer1[0]x", "layer1[0:1:2]", "layer1[99999999999999999999]"})
    CHECK_MESSAGE(error_of(spec).find("an index is written NAME[a:b] or NAME[a]") != std::string::npos, spec);
  for (const char* spec : {"", ",", "layer1,", " "})
    CHECK_MESSAGE(error_of(spec).find("an item is empty") != std::string::npos, spec);
  CHECK(error_of("none,layer1") == "--freeze 'none,layer1': 'none' stands alone");
  CHECK(error_of("layer9.*") != "");
}

TEST_CASE("a bad plan changes nothing") {
  const auto network = make_network("resnet18");
  apply_freeze_plan(*network, "conv1");
  CHECK_THROWS_AS(apply_freeze_plan(*network, "fc,nothing_like_it"), Error);
  CHECK(network->parameters().front()->frozen);
  CHECK(!network->head().frozen());
}

TEST_CASE("globs") {
  CHECK(matches_glob("*", ""));
  CHECK(matches_glob("a*b*c", "aXbXbXc"));
  CHECK(matches_glob("a?c", "abc"));
  CHECK(!matches_glob("a?c", "ac"));
  CHECK(!matches_glob("a*b", "abc"));
  CHECK(!matches_glob("layer1", "layer10"));
  CHECK(!matches_glob("[ab]", "a"));
}

}  // namespace
}  // namespace thaw
