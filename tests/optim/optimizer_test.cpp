#include "optim/optimizer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support/devices.h"

namespace thaw {
namespace {

// Two parameters: a matrix [2, 2] that decays and a vector [3] that does not.
struct Problem {
  Parameter matrix, vector;
  ParameterArenas arenas;
  StepControl control;
  std::uint64_t steps = 0;

  explicit Problem(Backend& backend) : control(backend) {
    matrix.name = "a.weight";
    matrix.value = from_contiguous(std::vector{1.0f, -2.0f, 3.0f, 0.5f}, {2, 2});
    vector.name = "a.bias";
    vector.value = from_contiguous(std::vector{1.0f, 2.0f, 3.0f}, {3});
    vector.decays = false;
    plan(backend);
  }
  void plan(Backend& backend) { arenas = ParameterArenas(backend, {&matrix, &vector}, DType::f32); }

  static void give(Parameter& p, float gradient) {
    if (p.frozen) return;
    const std::vector<float> values(static_cast<std::size_t>(p.value.elements()), gradient);
    p.grad.copy_from(from_contiguous(values, p.value.shape()));
    p.has_grad = true;
  }
  void step(Optimizer& optimizer, float gradient, float lr = 0.1f, float max_norm = 0.0f) {
    control.begin({.step = steps++, .lr = lr, .max_norm = max_norm});
    arenas.clear_gradients();
    give(matrix, gradient);
    give(vector, gradient);
    optimizer.step(control);
  }
  float first() const { return to_contiguous(matrix.value)[0]; }
  float last() const { return to_contiguous(vector.value)[2]; }
};

template <class Body>
void on_every_backend(Body body) {
  for (const auto& backend : test::backends()) {
    CAPTURE(backend->name());
    body(*backend);
  }
}

TEST_CASE("SGD: three steps by hand") {
  on_every_backend([](Backend& backend) {
    Problem p(backend);
    const auto sgd = make_optimizer("sgd", {.momentum = 0.5f, .weight_decay = 0.1f});
    sgd->plan(p.arenas);
    // vector, without decay: v = 1, 1.5, 0.75 (gradients 1, 1, 0); w = 3 - 0.1 * (1 + 1.5 + 0.75). matrix: g
    // = 1 + 0.1 w: v = 1.1, w = 0.89; v = 0.55 + 1.089 = 1.639, w = 0.7261; v = 0.8195 + 0.07261 = 0.89211, w
    // = 0.636889.
    p.step(*sgd, 1.0f);
    CHECK(p.first() == doctest::Approx(0.89).epsilon(1e-6));
    p.step(*sgd, 1.0f);
    CHECK(p.first() == doctest::Approx(0.7261).epsilon(1e-6));
    p.step(*sgd, 0.0f);
    CHECK(p.first() == doctest::Approx(0.636889).epsilon(1e-6));
    CHECK(p.last() == doctest::Approx(2.675).epsilon(1e-6));
  });
}

TEST_CASE("AdamW: two steps by hand") {
  on_every_backend([](Backend& backend) {
    Problem p(backend);
    const auto adamw = make_optimizer("adamw", {.weight_decay = 0.1f});
    adamw->plan(p.arenas);
    // A constant gradient gives m / sqrt(v) = 1 in every step, so vector: 3 - 2 * 0.1.
    // matrix: w = (1 - 0.01) * 1 - 0.1 = 0.89, then 0.99 * 0.89 - 0.1 = 0.7811.
    p.step(*adamw, 0.5f);
    CHECK(p.first() == doctest::Approx(0.89).epsilon(1e-6));
    p.step(*adamw, 0.5f);
    CHECK(p.first() == doctest::Approx(0.7811).epsilon(1e-6));
    CHECK(p.last() == doctest::Approx(2.8).epsilon(1e-6));
  });
}

TEST_CASE("clipping by norm, and a step that is not finite changes nothing") {
  on_every_backend([](Backend& backend) {
    Problem p(backend);
    const auto sgd = make_optimizer("sgd", {.momentum = 0.0f});
    sgd->plan(p.arenas);
    // Seven gradients of 2: norm sqrt(28); clipped to 1 each is 2 / sqrt(28).
    p.step(*sgd, 2.0f, 0.1f, 1.0f);
    CHECK(p.last() == doctest::Approx(3 - 0.1 * 2 / std::sqrt(28.0)).epsilon(1e-6));
    CHECK(p.control.read().grad_norm == doctest::Approx(std::sqrt(28.0)).epsilon(1e-6));
    const float before = p.last();
    p.step(*sgd, std::numeric_limits<float>::infinity());
    CHECK(p.last() == before);
    CHECK(p.control.read().skip == 1);
  });
}

TEST_CASE("lr_scale, and segments join where settings are equal") {
  Backend& backend = *test::backends().front();
  Problem p(backend);
  CHECK(arena_segments(p.arenas, 0.0f).size() == 1);
  const auto segments = arena_segments(p.arenas, 0.1f);
  REQUIRE(segments.size() == 2);
  CHECK(segments[0].weight_decay == 0.1f);
  CHECK(segments[1].weight_decay == 0.0f);
  CHECK(segments[1].end - segments[1].begin == 3);
  p.vector.lr_scale = 0.5f;
  const auto sgd = make_optimizer("sgd", {.momentum = 0.0f});
  sgd->plan(p.arenas);
  p.step(*sgd, 1.0f);
  CHECK(p.first() == doctest::Approx(0.9).epsilon(1e-6));
  CHECK(p.last() == doctest::Approx(2.95).epsilon(1e-6));
}

TEST_CASE("a parameter without a gradient in this step keeps no old one") {
  Backend& backend = *test::backends().front();
  Problem p(backend);
  const auto sgd = make_optimizer("sgd", {.momentum = 0.0f});
  sgd->plan(p.arenas);
  p.step(*sgd, 1.0f);
  const float before = p.last();
  p.control.begin({.step = 1, .lr = 0.1f});
  p.arenas.clear_gradients();
  Problem::give(p.matrix, 1.0f);
  sgd->step(p.control);
  CHECK(p.last() == before);
}

TEST_CASE("a resumed run gives the same bits") {
  on_every_backend([](Backend& backend) {
    for (const char* name : {"sgd", "adamw"}) {
      CAPTURE(name);
      Problem whole(backend), second(backend);
      const auto optimizer = make_optimizer(name, {.weight_decay = 0.1f});
      optimizer->plan(whole.arenas);
      whole.step(*optimizer, 1.0f);
      whole.step(*optimizer, -0.3f);
      const StateDict state = optimizer->state_dict();
      second.matrix.value.copy_from(whole.matrix.value);
      second.vector.value.copy_from(whole.vector.value);
      second.steps = whole.steps;
      const auto resumed = make_optimizer(name, {.weight_decay = 0.1f});
      resumed->plan(second.arenas);
      resumed->load_state_dict(state);
      whole.step(*optimizer, 0.7f);
      second.step(*resumed, 0.7f);
      CHECK(to_contiguous(whole.matrix.value) == to_contiguous(second.matrix.value));
      CHECK(to_contiguous(whole.vector.value) == to_contiguous(second.vector.value));
    }
  });
}

TEST_CASE("thawing keeps the state of what was trained and begins the rest at zero") {
  on_every_backend([](Backend& backend) {
    Problem p(backend);
    p.matrix.frozen = true;
    p.plan(backend);
    const auto sgd = make_optimizer("sgd", {.momentum = 0.5f});
    sgd->plan(p.arenas);
    p.step(*sgd, 1.0f);
    CHECK(p.first() == 1.0f);
    CHECK(sgd->state_dict().size() == 1);

    p.matrix.frozen = false;
    p.plan(backend);
    sgd->plan(p.arenas);
    CHECK(to_contiguous(sgd->state_dict().at("momentum.a.bias"))[0] == 1.0f);
    CHECK(to_contiguous(sgd->state_dict().at("momentum.a.weight"))[0] == 0.0f);
    p.step(*sgd, 1.0f);
    CHECK(p.first() == doctest::Approx(0.9).epsilon(1e-6));
    CHECK(p.last() == doctest::Approx(3 - 0.1 - 0.15).epsilon(1e-6));
  });
}

TEST_CASE("AdamW counts the steps of a thawed parameter from its thawing, also after a resume") {
  on_every_backend([](Backend& backend) {
    // A constant gradient moves a weight by lr in every step, but only where t is the weight's own: with the
    // run's t = 4, m / (1 - 0.9^4) would be a quarter of that.
    Problem p(backend);
    p.matrix.frozen = true;
    p.plan(backend);
    auto adamw = make_optimizer("adamw", {});
    adamw->plan(p.arenas);
    for (int i = 0; i < 3; ++i) p.step(*adamw, 0.5f);
    CHECK(p.last() == doctest::Approx(2.7).epsilon(1e-6));
    p.matrix.frozen = false;
    p.plan(backend);
    adamw->plan(p.arenas, p.steps);
    p.step(*adamw, 0.5f);
    CHECK(p.first() == doctest::Approx(0.9).epsilon(1e-6));
    CHECK(p.last() == doctest::Approx(2.6).epsilon(1e-6));

    const StateDict state = adamw->state_dict();
    CHECK(*state.at("first_step.a.weight").as<std::int64_t>() == 3);
    CHECK(*state.at("first_step.a.bias").as<std::int64_t>() == 0);
    adamw = make_optimizer("adamw", {});
    adamw->plan(p.arenas);
    adamw->load_state_dict(state);
    p.step(*adamw, 0.5f);
    CHECK(p.first() == doctest::Approx(0.8).epsilon(1e-6));
    CHECK(p.last() == doctest::Approx(2.5).epsilon(1e-6));
  });
}

TEST_CASE("state that does not fit, and settings out of range, are errors that say what") {
  Backend& backend = *test::backends().front();
  Problem p(backend);
  const auto sgd = make_optimizer("sgd", {});
  CHECK_THROWS_WITH_AS(sgd->step(p.control), "optimizer: plan() has not been called", Error);
  sgd->plan(p.arenas);
  StateDict missing;
  CHECK_THROWS_WITH_AS(
      sgd->load_state_dict(missing),
      "optimizer state: momentum.a.weight is missing; resume with the same optimizer and freeze plan", Error);
  StateDict misshapen;
  misshapen.add("momentum.a.weight", Tensor::zeros_host({4}));
  CHECK_THROWS_WITH_AS(sgd->load_state_dict(misshapen),
                       "optimizer state: momentum.a.weight is f32 [4], the parameter is f32 [2, 2]", Error);
  StateDict more = sgd->state_dict();
  more.add("v.a.weight", Tensor::zeros_host({2, 2}));
  CHECK_THROWS_WITH_AS(
      sgd->load_state_dict(more),
      "optimizer state: v.a.weight is unexpected; resume with the same optimizer and freeze plan", Error);

  p.matrix.frozen = p.vector.frozen = true;
  p.plan(backend);
  CHECK_THROWS_WITH_AS(sgd->plan(p.arenas), "optimizer: every parameter is frozen, nothing is left to train",
                       Error);
  CHECK_THROWS_WITH_AS(make_optimizer("adam", {}), "no optimizer 'adam'; there are sgd, adamw", Error);
  CHECK_THROWS_AS(make_optimizer("sgd", {.momentum = 1.0f}), Error);
  CHECK_THROWS_AS(make_optimizer("sgd", {.momentum = 0.0f, .nesterov = true}), Error);
  CHECK_THROWS_AS(make_optimizer("sgd", {.weight_decay = -1.0f}), Error);
  CHECK_THROWS_AS(make_optimizer("adamw", {.beta2 = 1.0f}), Error);
}

}  // namespace
}  // namespace thaw
