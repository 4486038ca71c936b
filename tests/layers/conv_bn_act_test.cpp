#include "layers/conv_bn_act.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/layers/numeric.h"

namespace thaw {
namespace {

using test::central_difference;
using test::dot;
using test::random_tensor;

struct Block : Module {
  Block() : conv({.in = 3, .out = 5, .kernel = 3, .padding = 1}), bn(5) {
    add_child("conv", conv);
    add_child("bn", bn);
    name_all();
  }
  Variable forward(const Variable& x, Mode mode) override {
    return conv_bn_act(x, conv, bn, residual, Activation::relu, mode);
  }
  Conv2d conv;
  BatchNorm2d bn;
  Variable residual;
};

// Random weights, gamma around 1, running variance in [0.5, 1.5).
ParameterArenas place(Block& block, Backend& backend) {
  block.conv.weight.value.copy_from(random_tensor(backend, block.conv.weight.value.shape(), 1).to_host());
  const auto set = [&](Tensor& t, float base, std::uint64_t seed) {
    std::vector<float> v = test::random_values(t.elements(), seed);
    for (float& x : v) x = base + 0.5f * x;
    t.copy_from(from_contiguous(v, t.shape()));
  };
  set(block.bn.weight.value, 1.0f, 2);
  set(block.bn.bias.value, 0.0f, 3);
  set(block.bn.running_mean.value, 0.0f, 4);
  set(block.bn.running_var.value, 1.0f, 5);
  block.to(backend);
  return ParameterArenas(backend, block.parameters(), DType::f32);
}

TEST_CASE("conv_bn_act: the folded path equals the plain one, and passes gradients through") {
  for (const auto& backend : test::host_backends()) {
    CAPTURE(backend->name());
    Block block;
    block.freeze();
    const ParameterArenas arenas = place(block, *backend);
    block.residual = Variable(random_tensor(*backend, {2, 5, 6, 6}, 7), true);
    const Variable x(random_tensor(*backend, {2, 3, 6, 6}, 6), true);
    const Variable folded = block.forward(x, Mode::train());
    CHECK(folded.node()->op == "conv_bn_act");

    const Variable plain = batch_norm(block.conv.forward(x, Mode::train()), block.bn, block.residual,
                                      Activation::relu, Mode::train());
    const std::vector<float> a = to_contiguous(folded.value()), b = to_contiguous(plain.value());
    for (std::size_t i = 0; i < a.size(); ++i)
      REQUIRE(std::abs(a[i] - b[i]) < 2e-6f * (4.0f + std::abs(b[i])));

    const Tensor g = random_tensor(*backend, {2, 5, 6, 6}, 8);
    backward(folded, g);
    const Tensor folded_dx = x.grad().to_host(), folded_dr = block.residual.grad().to_host();
    x.clear_grad();
    block.residual.clear_grad();
    backward(plain, g);
    const Tensor plain_dx = x.grad().to_host(), plain_dr = block.residual.grad().to_host();
    for (std::int64_t i = 0; i < folded_dx.elements(); ++i)
      REQUIRE(std::abs(folded_dx.as<float>()[i] - plain_dx.as<float>()[i]) < 1e-5f);
    for (std::int64_t i = 0; i < folded_dr.elements(); ++i)
      REQUIRE(folded_dr.as<float>()[i] == plain_dr.as<float>()[i]);
  }
}

TEST_CASE("conv_bn_act: folded weights follow a change of the statistics and of the weights") {
  const auto backend = make_backend("reference");
  Block block;
  block.freeze();
  ParameterArenas arenas = place(block, *backend);
  const Variable x(random_tensor(*backend, {2, 3, 4, 4}, 6));
  const std::vector<float> before = to_contiguous(block.forward(x, Mode::eval()).value());
  block.bn.policy = BatchNormPolicy::train;
  block.forward(x, Mode::train());
  const std::vector<float> after = to_contiguous(block.forward(x, Mode::eval()).value());
  CHECK(before != after);
}

TEST_CASE("conv_bn_act: gradients of a trainable block agree with central differences") {
  for (const auto& backend : test::host_backends()) {
    CAPTURE(backend->name());
    Block block;
    ParameterArenas arenas = place(block, *backend);
    const Variable x(random_tensor(*backend, {2, 3, 6, 6}, 6), true);
    const Tensor g = random_tensor(*backend, {2, 5, 6, 6}, 8);
    arenas.clear_gradients();
    backward(block.forward(x, Mode::train()), g);
    const auto loss = [&] { return dot(block.forward(Variable(x.value()), Mode::train()).value(), g); };
    const auto agree = [&](const Tensor& value, const Tensor& grad, std::uint64_t seed) {
      const Tensor d = random_tensor(*backend, value.shape(), seed);
      const double numeric = central_difference(value, d, 1e-3f, loss), exact = dot(grad, d);
      // f32 loss of ~360 terms: rounding 2e-5 / (2 h) = 1e-2; kinks of the ReLU add as much.
      CHECK(std::abs(numeric - exact) < 3e-2 * (1.0 + std::abs(exact)));
    };
    agree(x.value(), x.grad(), 11);
    agree(block.conv.weight.value, block.conv.weight.grad, 12);
    agree(block.bn.weight.value, block.bn.weight.grad, 13);
    agree(block.bn.bias.value, block.bn.bias.grad, 14);
  }
}

TEST_CASE("conv_bn_act: folded weights are computed anew where they lie, where a recorded step reads them") {
  for (const auto& backend : test::host_backends())
    for (const DType type : {DType::f32, DType::bf16}) {
      if (!backend->supports(type)) continue;
      CAPTURE(backend->name());
      Block block;
      block.freeze();
      const ParameterArenas arenas = place(block, *backend);
      const auto folded = [&] { return folded_weights(*backend, block.conv, block.bn, type); };
      const FoldedWeights before = folded();
      const std::vector<float> old_weight = to_contiguous(before.weight),
                               old_bias = to_contiguous(before.bias);
      for (Parameter* p : {&block.bn.weight, &block.bn.bias}) {
        std::vector<float> doubled = to_contiguous(p->value);
        for (float& v : doubled) v *= 2.0f;
        p->value.copy_from(from_contiguous(doubled, p->value.shape()));
        ++p->version;
      }
      const FoldedWeights after = folded();
      CHECK(after.weight.data() == before.weight.data());
      CHECK(after.bias.data() == before.bias.data());
      const std::vector<float> weight = to_contiguous(after.weight);
      for (std::size_t i = 0; i < weight.size(); ++i) CHECK(weight[i] == 2.0f * old_weight[i]);
      CHECK(to_contiguous(after.bias) != old_bias);
    }
}

TEST_CASE("conv_bn_act: a frozen block saves nothing") {
  const auto backend = make_backend("reference");
  Block block;
  block.freeze();
  const ParameterArenas arenas = place(block, *backend);
  const Variable x(random_tensor(*backend, {2, 3, 16, 16}, 6));
  block.forward(x, Mode::train());  // folds
  const std::size_t before = backend->bytes_in_use();
  const Variable y = block.forward(x, Mode::train());
  CHECK(y.node() == nullptr);
  CHECK(backend->bytes_in_use() - before <= y.value().bytes() + 4096);
}

}  // namespace
}  // namespace thaw
