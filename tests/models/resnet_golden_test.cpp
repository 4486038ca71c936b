// Whole ResNets against PyTorch: logits, losses over ten steps of SGD, every gradient. tests/golden says how
// the numbers were made and what "distance" is.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "layers/batch_norm.h"
#include "layers/losses.h"
#include "models/freeze_plan.h"
#include "models/freeze_receipt.h"
#include "models/load_weights.h"
#include "models/registry.h"
#include "optim/sgd.h"
#include "tests/models/formula.h"
#include "tests/support/devices.h"

namespace thaw {
namespace {

using nlohmann::json;

constexpr double allowed = 4.0;  // times PyTorch-f32's own distance from PyTorch-f64

json golden(const std::string& name) {
  std::ifstream file(std::string(THAW_SOURCE_DIR) + "/tests/golden/resnet_" + name + ".json");
  REQUIRE(file);
  return json::parse(file);
}

double distance(const std::vector<double>& got, const json& expected) {
  REQUIRE(got.size() == expected.size());
  double most = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double d = std::abs(got[i] - expected[i].get<double>());
    if (!(d <= most)) most = d;  // NaN stays
  }
  return most;
}

std::vector<double> doubles(const Tensor& tensor) {
  const std::vector<float> values = to_contiguous(tensor);
  return {values.begin(), values.end()};
}

void check_gradient(const Parameter& p, const json& expected) {
  CAPTURE(p.name);
  const std::vector<float> g = to_contiguous(p.grad);
  std::vector<double> sums(9, 0.0), elements;
  const std::uint64_t key = test::formula::fnv1a("projection");
  for (std::size_t i = 0; i < g.size(); ++i) {
    const std::uint64_t bits = test::formula::bits(key, i);
    for (std::size_t k = 0; k < 8; ++k) sums[k] += (bits >> (56 + k)) & 1 ? g[i] : -g[i];
    sums[8] += static_cast<double>(g[i]) * g[i];
  }
  sums[8] = std::sqrt(sums[8]);
  const std::uint64_t element_key = test::formula::fnv1a(p.name + "/elements");
  for (std::uint64_t k = 0; k < 16; ++k)
    elements.push_back(g[test::formula::bits(element_key, k) % g.size()]);

  json expected_sums = expected["projections"];
  expected_sums.push_back(expected["norm"]);
  CHECK(distance(sums, expected_sums) <= allowed * expected["sum_distance"].get<double>());
  CHECK(distance(elements, expected["elements"]) <= allowed * expected["element_distance"].get<double>());
}

// Steps 0 .. steps, the last one without an update.
void replay(Backend& backend, const std::string& name, int steps) {
  CAPTURE(name);
  CAPTURE(backend.name());
  const json g = golden(name);
  const auto classes = g["classes"].get<std::int64_t>();
  const auto batch = g["batch"].get<std::int64_t>();
  const auto size = g["size"].get<std::int64_t>();
  const auto network = make_network(g["model"].get<std::string>(), {.num_classes = classes});
  load_weights(*network, test::formula::weights(network->state_dict()));
  apply_freeze_plan(*network, g["freeze"].get<std::string>());
  network->to(backend);
  ParameterArenas arenas(backend, network->parameters(), DType::f32);
  const FreezeReceipt receipt(*network);
  Sgd sgd({.momentum = g["momentum"].get<float>()}, g["weight_decay"].get<float>());
  sgd.plan(arenas);
  StepControl control(backend);

  const Shape shape{batch, 3, size, size};
  const Variable x(
      from_contiguous(test::formula::uniform("input", shape.elements(), 0.0, 1.75), shape).to(backend));
  std::vector<int> labels;
  for (int i = 0; i < static_cast<int>(batch); ++i) labels.push_back(i * 3 % static_cast<int>(classes));
  const Tensor targets = label_targets(labels, classes, 0.0f, {}).to(backend);
  const Tensor normalizer = from_contiguous(std::vector{label_normalizer(labels, {})}, {1}).to(backend);

  for (int step = 0; step <= steps; ++step) {
    CAPTURE(step);
    control.begin({.step = static_cast<std::uint64_t>(step), .lr = g["lr"].get<float>()});
    const Variable logits = network->forward(x, Mode::train(control.device()));
    const Loss loss = softmax_cross_entropy(logits, targets, normalizer);
    const auto at = static_cast<std::size_t>(step);
    CHECK(std::abs(doubles(loss.loss.value())[0] - g["losses"]["values"][at].get<double>()) <=
          allowed * g["losses"]["distances"][at].get<double>());
    if (step == 0)
      CHECK(distance(doubles(logits.value()), g["logits"]["values"]) <=
            allowed * g["logits"]["distance"].get<double>());
    if (at + 1 == g["losses"]["values"].size())
      CHECK(distance(doubles(logits.value()), g["last_logits"]["values"]) <=
            allowed * g["last_logits"]["distance"].get<double>());
    if (step == steps) break;
    arenas.clear_gradients();
    backward(loss.loss);
    if (step == 0) {
      CHECK(arenas.trainable().size() == g["gradients"].size());
      for (const Parameter* p : arenas.trainable()) {
        REQUIRE(g["gradients"].contains(p->name));
        check_gradient(*p, g["gradients"][p->name]);
      }
    }
    sgd.step(control);
  }
  CHECK(receipt.verify(*network) == std::to_string(receipt.tensors()) + " frozen tensors, 0 bits changed");
}

void replay_on_fast_backends(const std::string& name) {
  for (const auto& backend : test::backends())
    if (backend->name() != "reference") replay(*backend, name, 10);
}

TEST_CASE("ResNet-18, all trained, equals PyTorch") {
  replay_on_fast_backends("resnet18_none");
}
TEST_CASE("ResNet-18, frozen up to layer3, equals PyTorch") {
  replay_on_fast_backends("resnet18_layer3");
}
TEST_CASE("ResNet-18 with a frozen backbone equals PyTorch") {
  replay_on_fast_backends("resnet18_backbone");
}
TEST_CASE("ResNet-50, all trained, equals PyTorch") {
  replay_on_fast_backends("resnet50_none");
}
TEST_CASE("ResNet-50 with a frozen backbone equals PyTorch") {
  replay_on_fast_backends("resnet50_backbone");
}
TEST_CASE("ResNet-20, all trained, equals PyTorch") {
  replay_on_fast_backends("resnet20_none");
}

TEST_CASE("ResNet-20 on the reference backend equals PyTorch") {
  replay(*make_reference_backend(), "resnet20_none", 1);
}

}  // namespace
}  // namespace thaw
