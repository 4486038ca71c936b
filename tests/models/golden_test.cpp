// Whole networks against PyTorch: logits, losses over ten steps of SGD, every gradient, and the running
// statistics where frozen ones move. tests/golden says how the numbers were made and what "distance" is.
#include <doctest/doctest.h>

#include "layers/batch_norm.h"
#include "layers/losses.h"
#include "models/freeze/plan.h"
#include "models/freeze/receipt.h"
#include "models/registry.h"
#include "models/weights/load.h"
#include "optim/sgd.h"
#include "tests/models/golden.h"
#include "tests/support/devices.h"

namespace thaw {
namespace {

using nlohmann::json;
namespace golden = test::golden;

// All running statistics, frozen or not, after the last step.
void check_running(Network& network, const json& g) {
  std::size_t seen = 0;
  for (const Buffer* b : network.buffers()) {
    if (b->value.dtype() == DType::i64) {
      CHECK_MESSAGE(*b->value.as<std::int64_t>() == g["batches"].get<std::int64_t>(), b->name);
      continue;
    }
    REQUIRE(g["running"].contains(b->name));
    golden::check_tensor(b->name, b->value, g["running"][b->name]);
    ++seen;
  }
  CHECK(seen == g["running"].size());
}

// Steps 0 .. steps, the last one without an update.
void replay(Backend& backend, const std::string& name, int steps) {
  CAPTURE(name);
  CAPTURE(backend.name());
  const json g = golden::read(name);
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
    golden::check_loss(g["losses"], at, golden::doubles(loss.loss.value())[0]);
    if (step == 0) golden::check_values(g["logits"], logits.value());
    if (at + 1 == g["losses"]["values"].size()) golden::check_values(g["last_logits"], logits.value());
    if (step == steps) break;
    arenas.clear_gradients();
    backward(loss.loss);
    if (step == 0) golden::check_gradients(arenas, g["gradients"]);
    sgd.step(control);
  }
  if (frozen_move) check_running(*network, g);
  CHECK(receipt.verify(*network) == std::to_string(receipt.tensors()) + " frozen tensors, 0 bits changed");
}

void replay_on_fast_backends(const std::string& name, int steps = 10) {
  for (const auto& backend : test::backends())
    if (backend->name() != "reference") replay(*backend, name, steps);
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
TEST_CASE("a ResNeXt of four blocks, all trained, equals PyTorch") {
  replay_on_fast_backends("resnet_resnext14_none", 3);
}
TEST_CASE("ResNeXt-50 32x4d, frozen up to layer3, equals PyTorch") {
  replay_on_fast_backends("resnet_resnext50_32x4d_layer3", 2);
}
TEST_CASE("ResNeXt-101 32x8d with a frozen backbone equals PyTorch") {
  replay_on_fast_backends("resnet_resnext101_32x8d_backbone", 1);
}
TEST_CASE("ResNeXt-101 64x4d with a frozen backbone equals PyTorch") {
  replay_on_fast_backends("resnet_resnext101_64x4d_backbone", 1);
}
TEST_CASE("Wide ResNet-50-2, frozen up to layer3, equals PyTorch") {
  replay_on_fast_backends("resnet_wide_resnet50_2_layer3", 2);
}
TEST_CASE("Wide ResNet-101-2 with a frozen backbone equals PyTorch") {
  replay_on_fast_backends("resnet_wide_resnet101_2_backbone", 1);
}
TEST_CASE("ResNet-18-D, all trained, equals timm") {
  replay_on_fast_backends("resnet_resnet18d_none", 3);
}
TEST_CASE("ResNet-34-D with a frozen backbone equals timm") {
  replay_on_fast_backends("resnet_resnet34d_backbone", 1);
}
TEST_CASE("ResNet-50-D, frozen up to layer3, equals timm") {
  replay_on_fast_backends("resnet_resnet50d_layer3", 2);
}
TEST_CASE("ResNet-101-D with a frozen backbone equals timm") {
  replay_on_fast_backends("resnet_resnet101d_backbone", 1);
}
TEST_CASE("ResNet-20 with option-B shortcuts, all trained, equals PyTorch") {
  replay_on_fast_backends("resnet_resnet20b_none");
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
