// Whole networks against PyTorch: logits, losses over ten steps of SGD, every gradient, and the running
// statistics where frozen ones move. tests/golden says how the numbers were made and what "distance" is.
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
  std::ifstream file(std::string(THAW_SOURCE_DIR) + "/tests/golden/" + name + ".json");
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

// `expected`: the summary of one tensor, with its distances.
void check_tensor(const std::string& name, const Tensor& tensor, const json& expected) {
  CAPTURE(name);
  const std::vector<float> t = to_contiguous(tensor);
  std::vector<double> sums(9, 0.0), elements;
  const std::uint64_t key = test::formula::fnv1a("projection");
  for (std::size_t i = 0; i < t.size(); ++i) {
    const std::uint64_t bits = test::formula::bits(key, i);
    for (std::size_t k = 0; k < 8; ++k) sums[k] += (bits >> (56 + k)) & 1 ? t[i] : -t[i];
    sums[8] += static_cast<double>(t[i]) * t[i];
  }
  sums[8] = std::sqrt(sums[8]);
  const std::uint64_t element_key = test::formula::fnv1a(name + "/elements");
  for (std::uint64_t k = 0; k < expected["elements"].size(); ++k)
    elements.push_back(t[test::formula::bits(element_key, k) % t.size()]);

  json expected_sums = expected["projections"];
  expected_sums.push_back(expected["norm"]);
  CHECK(distance(sums, expected_sums) <= allowed * expected["sum_distance"].get<double>());
  CHECK(distance(elements, expected["elements"]) <= allowed * expected["element_distance"].get<double>());
}

// All running statistics, frozen or not, after the last step.
void check_running(Network& network, const json& g) {
  std::size_t seen = 0;
  for (const Buffer* b : network.buffers()) {
    if (b->value.dtype() == DType::i64) {
      CHECK_MESSAGE(*b->value.as<std::int64_t>() == g["batches"].get<std::int64_t>(), b->name);
      continue;
    }
    REQUIRE(g["running"].contains(b->name));
    check_tensor(b->name, b->value, g["running"][b->name]);
    ++seen;
  }
  CHECK(seen == g["running"].size());
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
  const bool frozen_move = g["bn"] == "train";
  if (frozen_move) set_batch_norm_policy(*network, BatchNormPolicy::train);
  network->to(backend);
  ParameterArenas arenas(backend, network->parameters(), DType::f32);
  const FreezeReceipt receipt(*network);
  Sgd sgd({.momentum = g["momentum"].get<float>()}, g["weight_decay"].get<float>());
  sgd.plan(arenas);
  StepControl control(backend);

  const Shape shape{batch, 3, size, size};
  const Variable x(
      from_contiguous(test::formula::uniform(g["input"].get<std::string>(), shape.elements(), 0.0, 1.75),
                      shape)
          .to(backend));
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
        check_tensor(p->name, p->grad, g["gradients"][p->name]);
      }
    }
    sgd.step(control);
  }
  if (frozen_move) check_running(*network, g);
  CHECK(receipt.verify(*network) == std::to_string(receipt.tensors()) + " frozen tensors, 0 bits changed");
}

void replay_on_fast_backends(const std::string& name) {
  for (const auto& backend : test::backends())
    if (backend->name() != "reference") replay(*backend, name, 10);
}

TEST_CASE("ResNet-18, all trained, equals PyTorch") {
  replay_on_fast_backends("resnet_resnet18_none");
}
TEST_CASE("ResNet-18, frozen up to layer3, equals PyTorch") {
  replay_on_fast_backends("resnet_resnet18_layer3");
}
TEST_CASE("ResNet-18 with a frozen backbone equals PyTorch") {
  replay_on_fast_backends("resnet_resnet18_backbone");
}
TEST_CASE("ResNet-34, all trained, equals PyTorch") {
  replay_on_fast_backends("resnet_resnet34_none");
}
TEST_CASE("ResNet-50, all trained, equals PyTorch") {
  replay_on_fast_backends("resnet_resnet50_none");
}
TEST_CASE("ResNet-50 with a frozen backbone equals PyTorch") {
  replay_on_fast_backends("resnet_resnet50_backbone");
}
TEST_CASE("ResNet-101, frozen up to layer3 with moving statistics, equals PyTorch") {
  replay_on_fast_backends("resnet_resnet101_layer3_train");
}
TEST_CASE("ResNet-152 with a frozen backbone equals PyTorch") {
  replay_on_fast_backends("resnet_resnet152_backbone");
}
TEST_CASE("ResNet-20, all trained, equals PyTorch") {
  replay_on_fast_backends("resnet_resnet20_none");
}
TEST_CASE("DenseNet-121, all trained, equals PyTorch") {
  replay_on_fast_backends("densenet_densenet121_none");
}
TEST_CASE("DenseNet-121, features[0:9] and features[11] frozen with moving statistics, equals PyTorch") {
  replay_on_fast_backends("densenet_densenet121_0-9_11_train");
}
TEST_CASE("DenseNet-121 with a frozen backbone equals PyTorch") {
  replay_on_fast_backends("densenet_densenet121_backbone");
}
TEST_CASE("DenseNet-169, frozen up to denseblock3, equals PyTorch") {
  replay_on_fast_backends("densenet_densenet169_denseblock3");
}
TEST_CASE("DenseNet-BC-100-12, all trained, equals PyTorch") {
  replay_on_fast_backends("densenet_densenet_bc_100_12_none");
}

TEST_CASE("ResNet-20 on the reference backend equals PyTorch") {
  replay(*make_reference_backend(), "resnet_resnet20_none", 1);
}

}  // namespace
}  // namespace thaw
