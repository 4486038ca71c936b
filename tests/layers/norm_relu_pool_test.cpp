#include "layers/norm_relu_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/layers/numeric.h"

namespace thaw {
namespace {

using test::random_tensor;

constexpr Pool2dSpec stem{.kernel = 3, .stride = 2, .padding = 1};
const Shape shape{2, 19, 9, 7}, pooled{2, 19, 5, 4};

// gamma of both signs, running variance in [0.5, 1.5).
struct Norm {
  Norm(Backend& backend, bool frozen, BatchNormPolicy policy) : bn(shape[1]) {
    const auto set = [](Tensor& t, float base, float spread, std::uint64_t seed) {
      std::vector<float> v = test::random_values(t.elements(), seed);
      for (float& x : v) x = base + spread * x;
      t.copy_from(from_contiguous(v, t.shape()));
    };
    set(bn.weight.value, 0.5f, 1.0f, 2);
    set(bn.bias.value, 0.0f, 0.5f, 3);
    set(bn.running_mean.value, 0.0f, 0.5f, 4);
    set(bn.running_var.value, 1.0f, 0.5f, 5);
    bn.freeze(frozen);
    bn.policy = policy;
    bn.to(backend);
    arenas = ParameterArenas(backend, bn.parameters(), DType::f32);
  }
  BatchNorm2d bn;
  ParameterArenas arenas;
};

// The largest difference, relative to the largest value.
double difference(const Tensor& a, const Tensor& b) {
  const std::vector<float> x = to_contiguous(a), y = to_contiguous(b);
  REQUIRE(x.size() == y.size());
  double most = 0.0, size = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])));
    size = std::max(size, std::abs(static_cast<double>(y[i])));
  }
  return most / size;
}

TEST_CASE("norm_relu_pool: one node gives what BatchNorm, ReLU and max-pooling give") {
  struct Case {
    bool frozen, x_wants;
    BatchNormPolicy policy;
  };
  const Case cases[] = {{false, true, BatchNormPolicy::automatic}, {false, false, BatchNormPolicy::automatic},
                        {true, true, BatchNormPolicy::automatic},  {true, true, BatchNormPolicy::train},
                        {false, true, BatchNormPolicy::frozen},    {false, false, BatchNormPolicy::frozen}};
  // Sums of 126 f32 terms in another order: sqrt(126) * 2^-24 = 7e-7 of their size, which is a few times that
  // of the result.
  constexpr double tolerance = 4e-6;
  for (const auto& backend : test::host_backends()) {
    for (const Case& k : cases) {
      CAPTURE(backend->name());
      CAPTURE(k.frozen);
      CAPTURE(k.x_wants);
      CAPTURE(static_cast<int>(k.policy));
      Norm one(*backend, k.frozen, k.policy), apart(*backend, k.frozen, k.policy);
      const Variable x(random_tensor(*backend, shape, 6), k.x_wants);
      const Variable other(random_tensor(*backend, shape, 6), k.x_wants);
      const Variable y = norm_relu_pool(x, one.bn, stem, Mode::train());
      const Variable expected =
          max_pool2d(batch_norm(other, apart.bn, {}, Activation::relu, Mode::train()), stem, "pool");
      CHECK(y.value().shape() == pooled);
      CHECK(to_contiguous(y.value()) == to_contiguous(expected.value()));
      CHECK(tape(y).size() == 1);
      CHECK(y.node()->op == "norm_relu_pool");
      CHECK(to_contiguous(one.bn.running_mean.value) == to_contiguous(apart.bn.running_mean.value));
      CHECK(to_contiguous(one.bn.running_var.value) == to_contiguous(apart.bn.running_var.value));
      CHECK(*one.bn.num_batches_tracked.value.as<std::int64_t>() ==
            *apart.bn.num_batches_tracked.value.as<std::int64_t>());

      const Tensor g = random_tensor(*backend, pooled, 8);
      one.arenas.clear_gradients();
      apart.arenas.clear_gradients();
      backward(y, g);
      backward(expected, g);
      if (!k.frozen) {
        CHECK(difference(one.bn.weight.grad, apart.bn.weight.grad) < tolerance);
        CHECK(difference(one.bn.bias.grad, apart.bn.bias.grad) < tolerance);
      }
      CHECK(x.grad().defined() == k.x_wants);
      if (k.x_wants) CHECK(difference(x.grad(), other.grad()) < tolerance);
    }
  }
}

TEST_CASE("norm_relu_pool: what lies between is never in memory, and nothing is saved that nobody needs") {
  for (const auto& backend : test::host_backends()) {
    CAPTURE(backend->name());
    const Shape large{2, 64, 56, 56};
    const Tensor x = random_tensor(*backend, large, 6);
    const std::size_t y_bytes = x.bytes() / 4, index_bytes = y_bytes / 4;
    constexpr std::size_t small = 8192;  // statistics and factors of 64 channels
    const auto taken = [&](bool frozen, BatchNormPolicy policy, bool x_wants) {
      BatchNorm2d bn(64);
      bn.freeze(frozen);
      bn.policy = policy;
      bn.to(*backend);
      const ParameterArenas arenas(*backend, bn.parameters(), DType::f32);
      const std::size_t before = backend->bytes_in_use();
      backend->reset_peak();
      const Variable y = norm_relu_pool(Variable(x, x_wants), bn, stem, Mode::train());
      const std::size_t kept = backend->bytes_in_use() - before;
      CHECK(backend->peak_bytes() - before <= kept + small);
      return kept;
    };
    CHECK(taken(false, BatchNormPolicy::automatic, true) <= y_bytes + index_bytes + small);
    CHECK(taken(false, BatchNormPolicy::automatic, true) >= y_bytes + index_bytes);
    CHECK(taken(true, BatchNormPolicy::automatic, true) <= y_bytes + index_bytes + small);
    CHECK(taken(true, BatchNormPolicy::automatic, false) <= y_bytes + small);
    CHECK(taken(true, BatchNormPolicy::train, false) <= y_bytes + small);
  }
}

TEST_CASE("norm_relu_pool: gradients agree with central differences") {
  for (const auto& backend : test::host_backends()) {
    CAPTURE(backend->name());
    Norm norm(*backend, false, BatchNormPolicy::automatic);
    const Variable x(random_tensor(*backend, shape, 6), true);
    const Tensor g = random_tensor(*backend, pooled, 8);
    norm.arenas.clear_gradients();
    backward(norm_relu_pool(x, norm.bn, stem, Mode::train()), g);
    const auto loss = [&] {
      return test::dot(norm_relu_pool(Variable(x.value()), norm.bn, stem, Mode::train()).value(), g);
    };
    const auto agree = [&](const Tensor& value, const Tensor& grad, std::uint64_t seed) {
      const Tensor d = random_tensor(*backend, value.shape(), seed);
      const double numeric = test::central_difference(value, d, 1e-3f, loss), exact = test::dot(grad, d);
      // f32 loss of 760 terms: rounding 2e-5 / (2 h) = 1e-2; kinks of ReLU and maximum add as much.
      CHECK(std::abs(numeric - exact) < 3e-2 * (1.0 + std::abs(exact)));
    };
    agree(x.value(), x.grad(), 11);
    agree(norm.bn.weight.value, norm.bn.weight.grad, 12);
    agree(norm.bn.bias.value, norm.bn.bias.grad, 13);
  }
}

}  // namespace
}  // namespace thaw
