#include "tools/bench/layers.h"

#include <doctest/doctest.h>

#include <numeric>

#include "models/registry.h"

namespace thaw::bench {
namespace {

template <class Layer>
int total(const std::vector<Layer>& layers) {
  return std::accumulate(layers.begin(), layers.end(), 0,
                         [](int sum, const Layer& l) { return sum + l.count; });
}

TEST_CASE("bench: the convolutions and BatchNorms of a network") {
  const Layers resnet = layers_of("resnet50", {}, 224);
  CHECK(total(resnet.convolutions) == 53);
  CHECK(total(resnet.norms) == 52);  // the stem's is one op with its pooling
  const ConvolutionLayer& stem = resnet.convolutions.front();
  CHECK(stem.spec.in == 3);
  CHECK(stem.spec.kernel_h == 7);
  CHECK(stem.height == 224);
  CHECK(stem.pictures);
  CHECK_FALSE(resnet.convolutions[1].pictures);
  // conv2 of layer1's three blocks.
  const auto middle = std::find_if(
      resnet.convolutions.begin(), resnet.convolutions.end(),
      [](const ConvolutionLayer& l) { return l.spec.kernel_h == 3 && l.height == 56 && l.spec.stride == 1; });
  REQUIRE(middle != resnet.convolutions.end());
  CHECK(middle->count == 3);

  CHECK(total(layers_of("densenet121", {}, 224).convolutions) == 120);
  const Layers by_hand = layers_of("scratch_cnn", {.num_classes = 2, .in_channels = 1, .input_size = 64}, 64);
  CHECK(total(by_hand.convolutions) == 4);
  CHECK(by_hand.convolutions.front().spec.in == 1);
}

TEST_CASE("bench: every registered network has layers") {
  for (const std::string& name : model_names()) {
    const NetworkFacts& facts = network_facts(name);
    const std::int64_t size = facts.one_size ? 64 : 32;
    const Layers layers = layers_of(name,
                                    {.num_classes = facts.num_classes,
                                     .in_channels = facts.in_channels,
                                     .input_size = facts.one_size ? size : 0},
                                    size);
    CHECK_MESSAGE(total(layers.convolutions) >= 4, name);
  }
}

}  // namespace
}  // namespace thaw::bench
