#include "tools/cost/network_cost.h"

#include <doctest/doctest.h>

namespace thaw {
namespace {

TEST_CASE(
    "cost: ResNet-50 takes its published 8.18 GFLOPs forward, and twice that less one data gradient "
    "backward") {
  const StageCost all = sum_of(stage_costs("resnet50", {}, "none", 224));
  CHECK(all.forward_flops == doctest::Approx(8.178e9).epsilon(1e-3));
  const double stem = 2.0 * 112 * 112 * 64 * 7 * 7 * 3;
  CHECK(all.backward_flops == doctest::Approx(2 * all.forward_flops - stem).epsilon(1e-9));
  CHECK(all.saved_bytes > 50e6);
}

TEST_CASE("cost: the stem keeps the pictures, what left the convolution, and a byte per pooled value") {
  constexpr double pictures = 4.0 * 3 * 224 * 224, convolved = 4.0 * 64 * 112 * 112, winners = 64.0 * 56 * 56;
  for (const auto& [model, stem] : {std::pair{"resnet18", 3}, {"densenet121", 4}}) {
    CAPTURE(model);
    const std::vector<StageCost> costs = stage_costs(model, {}, "none", 224);
    double saved = 0;
    for (int i = 0; i < stem; ++i) saved += costs[static_cast<std::size_t>(i)].saved_bytes;
    // The statistics are a few hundred bytes.
    CHECK(saved == doctest::Approx(pictures + convolved + winners).epsilon(1e-3));
  }
}

TEST_CASE("cost: what is frozen below the first trainable stage has no backward and saves nothing") {
  const std::vector<StageCost> costs = stage_costs("resnet18", {}, "upto:layer3", 224);
  REQUIRE(costs.size() == 9);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(costs[i].backward_flops == 0.0);
    CHECK(costs[i].saved_bytes == 0.0);
  }
  CHECK(costs[6].backward_flops > costs[6].forward_flops);
  CHECK(costs[6].saved_bytes > 0.0);
}

TEST_CASE(
    "cost: a frozen stage between trainable ones passes gradients through and makes no weight gradients") {
  const std::vector<StageCost> free = stage_costs("resnet18", {}, "none", 64);
  const std::vector<StageCost> between = stage_costs("resnet18", {}, "layer2", 64);
  CHECK(between[4].backward_flops == doctest::Approx(free[4].backward_flops / 2));
  CHECK(between[4].saved_bytes < free[4].saved_bytes);
  CHECK(between[4].saved_bytes > 0.0);
}

TEST_CASE("cost: a case's views count each, its dropout and features do no harm") {
  const NetworkOptions one{.num_classes = 2, .in_channels = 1, .input_size = 64};
  NetworkOptions four = one;
  four.views = 4;
  four.features = 2;
  const std::vector<StageCost> a = stage_costs("scratch_cnn", one, "none", 64),
                               b = stage_costs("scratch_cnn", four, "none", 64);
  CHECK(a[0].forward_flops == 2.0 * 62 * 62 * 8 * 9);
  CHECK(b[0].forward_flops == 4 * a[0].forward_flops);
  CHECK(a[17].forward_flops == 2.0 * 256 * 128);
  CHECK(b[17].forward_flops == 2.0 * (4 * 256 + 2) * 128);
}

}  // namespace
}  // namespace thaw
