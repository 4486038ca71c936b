#include "layers/batch_norm.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/layers/numeric.h"

namespace thaw {
namespace {

// One channel with the values 1, 2, 3, 6: mean 3, biased variance 3.5, unbiased 14 / 3.
Variable four_values(Backend& backend) {
  const std::vector<float> v = {1, 2, 3, 6};
  return Variable(from_contiguous(v, {4, 1, 1, 1}).to(backend));
}

TEST_CASE("batch_norm: running statistics take the unbiased variance with momentum 0.1") {
  for (const auto& backend : test::host_backends()) {
    CAPTURE(backend->name());
    BatchNorm2d bn(1);
    bn.to(*backend);
    const ParameterArenas arenas(*backend, bn.parameters(), DType::f32);
    const Variable y = bn.forward(four_values(*backend), Mode::train());
    CHECK(to_contiguous(bn.running_mean.value)[0] == doctest::Approx(0.3f).epsilon(1e-6));
    CHECK(to_contiguous(bn.running_var.value)[0] ==
          doctest::Approx(0.9f + 0.1f * 14.0f / 3.0f).epsilon(1e-6));
    CHECK(*bn.num_batches_tracked.value.as<std::int64_t>() == 1);
    CHECK(to_contiguous(y.value())[3] == doctest::Approx(3.0 / std::sqrt(3.5 + 1e-5)).epsilon(1e-6));
  }
}

TEST_CASE(
    "batch_norm: --bn auto keeps a frozen module's statistics, --bn train moves them, --bn frozen moves "
    "none") {
  const auto backend = make_backend("reference");
  const auto moved = [&](BatchNormPolicy policy, bool frozen, Mode mode) {
    BatchNorm2d bn(1);
    bn.freeze(frozen);
    bn.policy = policy;
    bn.to(*backend);
    const ParameterArenas arenas(*backend, bn.parameters(), DType::f32);
    bn.forward(four_values(*backend), mode);
    return to_contiguous(bn.running_mean.value)[0] != 0.0f;
  };
  CHECK(moved(BatchNormPolicy::automatic, false, Mode::train()));
  CHECK_FALSE(moved(BatchNormPolicy::automatic, true, Mode::train()));
  CHECK_FALSE(moved(BatchNormPolicy::automatic, false, Mode::eval()));
  CHECK(moved(BatchNormPolicy::train, true, Mode::train()));
  CHECK_FALSE(moved(BatchNormPolicy::train, true, Mode::eval()));
  CHECK_FALSE(moved(BatchNormPolicy::frozen, false, Mode::train()));
}

TEST_CASE("batch_norm: a single value per channel is an error that names the remedy") {
  const auto backend = make_backend("reference");
  BatchNorm2d bn(1);
  bn.to(*backend);
  const ParameterArenas arenas(*backend, bn.parameters(), DType::f32);
  const Variable x(Tensor::zeros(*backend, {1, 1, 1, 1}));
  CHECK_THROWS_WITH_AS(bn.forward(x, Mode::train()), doctest::Contains("use a batch of 2 or more"), Error);
}

}  // namespace
}  // namespace thaw
