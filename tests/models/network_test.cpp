#include "models/network.h"

#include <doctest/doctest.h>

#include "models/freeze/plan.h"
#include "models/registry.h"
#include "models/weights/head.h"
#include "models/weights/initialize.h"
#include "models/weights/load.h"
#include "tests/layers/numeric.h"
#include "tests/models/formula.h"
#include "tests/support/devices.h"

namespace thaw {
namespace {

double largest(const std::vector<float>& v) {
  double most = 0;
  for (const float f : v) most = std::max(most, std::abs(static_cast<double>(f)));
  return most;
}

void check_every_cut(const std::string& model) {
  CAPTURE(model);
  for (const auto& backend : test::backends()) {
    CAPTURE(backend->name());
    const auto network = make_network(model, {.num_classes = 10});
    load_weights(*network, test::formula::weights(network->state_dict()));
    network->to(*backend);
    const ParameterArenas arenas(*backend, network->parameters(), DType::f32);
    const Shape shape{2, 3, 16, 16};
    const Variable x(
        from_contiguous(test::formula::uniform("input", shape.elements(), 0, 1), shape).to(*backend));
    const std::size_t end = network->stages().size();
    const auto whole = to_contiguous(network->forward(x, Mode::eval()).value());
    REQUIRE(largest(whole) > 0.01);
    for (std::size_t cut = 0; cut <= end; ++cut) {
      const Variable half = network->run(x, 0, cut, Mode::eval());
      auto parts = to_contiguous(network->run(half, cut, end, Mode::eval()).value());
      for (std::size_t i = 0; i < parts.size(); ++i) parts[i] -= whole[i];
      // Cutting between the first convolution and its BatchNorm computes without folding: other roundings of
      // the same 64-term sums.
      CHECK_MESSAGE(largest(parts) <= (cut == 1 ? 1e-5 * largest(whole) : 0.0), "cut at ", cut);
    }
    CHECK_THROWS_AS(network->run(x, 2, 1, Mode::eval()), Error);
    CHECK_THROWS_AS(network->run(x, 0, end + 1, Mode::eval()), Error);
  }
}

TEST_CASE("a network cut between any two stages gives the same logits") {
  check_every_cut("resnet20");
  check_every_cut("densenet_bc_16_6");
  check_every_cut("resnet:blocks=1-1,width=8,stem=deep,shortcut=d");
  check_every_cut("resnet:block=bottleneck,blocks=1-1,width=16,groups=4,stem=cifar");
}

// In evaluation a pass keeps nothing for a parameter, thawed or not, and still gives an input its gradient.
void check_evaluation(const std::string& model, std::int64_t size) {
  CAPTURE(model);
  for (const auto& backend : test::host_backends()) {
    CAPTURE(backend->name());
    const auto network = make_network(model, {.input_size = size});
    load_weights(*network, test::formula::weights(network->state_dict()));
    network->to(*backend);
    const ParameterArenas arenas(*backend, network->parameters(), DType::f32);
    const Shape shape{2, network->in_channels(), size, size};
    const Tensor pictures =
        from_contiguous(test::formula::uniform("input", shape.elements(), 0, 1), shape).to(*backend);
    network->forward(Variable(pictures), Mode::eval());  // folded weights stay
    const std::size_t before = backend->bytes_in_use();
    {
      const Variable y = network->forward(Variable(pictures), Mode::eval());
      CHECK(y.node() == nullptr);
      const std::size_t kept = backend->bytes_in_use() - before;
      CHECK(kept < 16384);  // the logits, in whole blocks
    }
    const Variable x(pictures, true);
    const Variable y = network->forward(x, Mode::eval());
    REQUIRE(y.node() != nullptr);
    backward(y, y.value());
    CHECK(largest(to_contiguous(x.grad())) > 0);
    for (const Parameter* p : network->parameters()) CHECK_FALSE(p->has_grad);
  }
}

TEST_CASE("evaluation keeps nothing for the gradients of parameters") {
  check_evaluation("resnet20", 16);
  check_evaluation("densenet_bc_16_6", 16);
  check_evaluation("scratch_cnn", 64);
  check_evaluation("resnet18", 32);
  check_evaluation("resnet:block=bottleneck,blocks=1-1,width=16,groups=4,stem=deep,shortcut=d", 16);
}

// Stages [0, end) of a training pass at once and one by one: the first has one node for BatchNorm, ReLU and
// pooling.
void check_stem(const std::string& model, std::size_t end) {
  for (const auto& backend : test::host_backends()) {
    CAPTURE(model);
    CAPTURE(backend->name());
    const auto pass = [&](bool apart) {
      const auto network = make_network(model, {.num_classes = 10});
      initialize(*network, 1);
      network->to(*backend);
      ParameterArenas arenas(*backend, network->parameters(), DType::f32);
      arenas.clear_gradients();
      Variable y(test::random_tensor(*backend, {2, 3, 30, 22}, 1));
      for (std::size_t i = 0; apart && i < end; ++i) y = network->run(y, i, i + 1, Mode::train());
      if (!apart) y = network->run(y, 0, end, Mode::train());
      const std::size_t nodes = tape(y).size();
      CHECK(nodes == (apart ? 3 : 2));
      const auto values = to_contiguous(y.value());
      backward(y, test::random_tensor(*backend, y.value().shape(), 2));
      arenas.complete_gradients();
      return std::tuple{values, to_contiguous(arenas.gradients()), network->state_dict()};
    };
    const auto [y, gradients, state] = pass(false);
    const auto [apart_y, apart_gradients, apart_state] = pass(true);
    CHECK(y == apart_y);
    auto difference = gradients;
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= apart_gradients[i];
    // Sums of 330 f32 terms in another order: sqrt(330) * 2^-24 = 1e-6 of their size.
    CHECK(largest(apart_gradients) > 0.1);
    CHECK(largest(difference) <= 1e-5 * largest(apart_gradients));
    for (const auto& [name, tensor] : state)
      if (name.find("running") != std::string::npos)
        CHECK_MESSAGE(to_contiguous(tensor) == to_contiguous(apart_state.at(name)), name);
  }
}

TEST_CASE("the stem's BatchNorm, ReLU and pooling train as one node, and as they do apart") {
  check_stem("resnet18", 3);
  check_stem("densenet121", 4);
}

TEST_CASE("initial weights of a DenseNet: fan in, and no bias") {
  const auto network = make_network("densenet121", {.num_classes = 10});
  initialize(*network, 1);
  const StateDict weights = network->state_dict();
  double squares = 0;
  const auto v = to_contiguous(weights.at("features.conv0.weight"));
  for (const float f : v) squares += static_cast<double>(f) * f;
  // 64 * 147 normals: the variance within 4 sigma of 2 / 147, not fan_out's 2 / (64 * 49).
  const auto n = static_cast<double>(v.size());
  CHECK(std::abs(squares / n - 2.0 / 147) < 4 * 2.0 / 147 * std::sqrt(2 / n));
  CHECK(largest(to_contiguous(weights.at("classifier.weight"))) > 0);
  CHECK(largest(to_contiguous(weights.at("classifier.bias"))) == 0);
}

TEST_CASE("initial weights follow the theory and the seed") {
  const auto network = make_network("resnet18", {.num_classes = 10});
  initialize(*network, 1);
  const StateDict first = network->state_dict();
  const auto moments = [&](const char* name) {
    double sum = 0, squares = 0;
    const std::vector<float> v = to_contiguous(first.at(name));
    for (const float f : v) sum += f, squares += static_cast<double>(f) * f;
    const auto n = static_cast<double>(v.size());
    return std::pair{sum / n, squares / n};
  };
  // layer4.1.conv2: 512 * 512 * 9 normals; mean within 4 sigma of 0, variance within 4 sigma of 2 / (512 *
  // 9).
  const auto [mean, variance] = moments("layer4.1.conv2.weight");
  const double n = 512.0 * 512 * 9, expected = 2.0 / (512 * 9);
  CHECK(std::abs(mean) < 4 * std::sqrt(expected / n));
  CHECK(std::abs(variance - expected) < 4 * expected * std::sqrt(2 / n));
  // conv1: fan_out is 64 * 49, not fan_in's 3 * 49.
  CHECK(moments("conv1.weight").second == doctest::Approx(2.0 / (64 * 49)).epsilon(0.1));
  CHECK(largest(to_contiguous(first.at("fc.weight"))) <= 1 / std::sqrt(512.0));
  CHECK(moments("fc.weight").second == doctest::Approx(1.0 / (3 * 512)).epsilon(0.1));
  CHECK(moments("bn1.weight") == std::pair{1.0, 1.0});
  CHECK(moments("bn1.running_var") == std::pair{1.0, 1.0});
  CHECK(moments("bn1.bias") == std::pair{0.0, 0.0});

  initialize(*network, 1);
  CHECK(to_contiguous(network->state_dict().at("conv1.weight")) == to_contiguous(first.at("conv1.weight")));
  initialize(*network, 2);
  CHECK(to_contiguous(network->state_dict().at("conv1.weight")) != to_contiguous(first.at("conv1.weight")));
}

TEST_CASE("a new head has the new size and leaves the rest alone") {
  const auto network = make_network("resnet20", {.num_classes = 10});
  initialize(*network, 1);
  const auto before = to_contiguous(network->state_dict().at("layer3.2.conv2.weight"));
  replace_head(*network, 3, 1);
  CHECK(network->num_classes() == 3);
  CHECK(network->state_dict().at("linear.weight").shape() == Shape{3, 64});
  CHECK(network->state_dict().at("linear.bias").shape() == Shape{3});
  CHECK(largest(to_contiguous(network->state_dict().at("linear.weight"))) > 0);
  CHECK(to_contiguous(network->state_dict().at("layer3.2.conv2.weight")) == before);
  CHECK_THROWS_AS(replace_head(*network, 0, 1), Error);
}

TEST_CASE("the views of a case share the backbone; their rows and the features meet before the head") {
  const auto backend = make_backend("reference");
  for (const auto& [model, width] : {std::pair{"resnet18", 512}, {"densenet121", 1024}})
    CHECK(make_network(model, {.num_classes = 3, .views = 2, .features = 1})->head().in() == 2 * width + 1);
  const auto two = make_network("resnet20", {.num_classes = 3, .views = 2, .features = 1});
  CHECK(two->head().in() == 2 * 64 + 1);
  initialize(*two, 5);
  two->to(*backend);
  ParameterArenas arenas(*backend, two->parameters(), DType::f32);
  const Tensor x = test::random_tensor(*backend, {4, 3, 32, 32}, 1),
               features = test::random_tensor(*backend, {2, 1}, 2);
  const std::size_t last = two->stages().size() - 1;
  const Variable rows = two->run(Variable(x), 0, last, Mode::eval());
  REQUIRE(rows.value().shape() == Shape{4, 64});
  const std::vector<float> r = to_contiguous(rows.value()), f = to_contiguous(features),
                           w = to_contiguous(two->head().weight.value),
                           b = to_contiguous(two->head().bias.value),
                           logits = to_contiguous(two->forward(Variable(x), features, Mode::eval()).value());
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t k = 0; k < 3; ++k) {
      double z = b[k] + double{w[k * 129 + 128]} * f[n];
      for (std::size_t i = 0; i < 128; ++i) z += double{w[k * 129 + i]} * r[n * 128 + i];
      CHECK(logits[n * 3 + k] == doctest::Approx(z).epsilon(1e-5));
    }
  CHECK_THROWS_WITH_AS(two->forward(Variable(x), Mode::eval()),
                       "resnet20: takes 1 features per case, got none", Error);
}

}  // namespace
}  // namespace thaw
