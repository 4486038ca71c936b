#include "kernels/reference/optimizer_step.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support/compare.h"

namespace thaw::test {
namespace {

std::vector<bf16> low_precision(std::size_t count) {
  return std::vector<bf16>(count, bf16(8.0f));
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("gradient_norm: norm, clip factor and skip") {
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const auto norm = [&](std::vector<float> gradient, float max_norm) {
        const Array<float> g(*backend, gradient);
        const Array<StepState> state(*backend,
                                     {StepState{.step = 3, .max_norm = max_norm, .clip = 8, .skip = 8}});
        (*backend)(GradientNorm{
            .gradient = g.data(), .count = static_cast<Index>(gradient.size()), .state = state.data()});
        return state.host()[0];
      };
      StepState state = norm({3.0f, -4.0f}, 0.0f);
      CHECK(state.grad_norm == 5.0f);
      CHECK(state.clip == 1.0f);
      CHECK(state.skip == 0);
      CHECK(state.step == 3);
      state = norm({3.0f, -4.0f}, 1.0f);
      CHECK(state.clip == doctest::Approx(1.0 / (5.0 + 1e-6)).epsilon(1e-7));
      CHECK(norm({3.0f, -4.0f}, 6.0f).clip == 1.0f);
      CHECK(norm({3.0f, std::numeric_limits<float>::infinity()}, 1.0f).skip == 1);
      CHECK(norm({std::numeric_limits<float>::quiet_NaN()}, 0.0f).skip == 1);
      // In f32 the many small squares would vanish beside the large one.
      std::vector<float> many(100001, 1e-3f);
      many[0] = 100.0f;
      CHECK(norm(many, 0.0f).grad_norm == doctest::Approx(std::sqrt(1e4 + 0.1)).epsilon(1e-7));
    }
  }

  TEST_CASE("sgd_step: three steps by hand") {
    struct Case {
      SgdSpec spec;
      float decay;
      Doubles after;  // the weight after each step, from 1, lr 0.1, gradients 1, 0.5, -1
    };
    const Case cases[] = {
        {{.momentum = 0.0f}, 0.0f, {0.9, 0.85, 0.95}},
        // v = 1, 1.4, 0.26
        {{.momentum = 0.9f}, 0.0f, {0.9, 0.76, 0.734}},
        // g = 1.1, 0.589, -0.92679; v = 1.1, 1.579, 0.49431
        {{.momentum = 0.9f}, 0.1f, {0.89, 0.7321, 0.682669}},
        // g + 0.9 v = 1.9, 1.76, -0.766
        {{.momentum = 0.9f, .nesterov = true}, 0.0f, {0.81, 0.634, 0.7106}},
    };
    for (const auto& backend : backends()) {
      for (const Case& k : cases) {
        INFO(backend->name(), ", momentum ", k.spec.momentum, ", decay ", k.decay, ", nesterov ",
             k.spec.nesterov);
        // Element 1 lies in no segment.
        const ArenaSegment segments[] = {{0, 1, 1.0f, k.decay}};
        const Array<float> weight(*backend, {1.0f, 1.0f}), velocity(*backend, {0.0f, 0.0f});
        const Array<bf16> copy(*backend, low_precision(2));
        const float gradients[] = {1.0f, 0.5f, -1.0f};
        for (std::size_t step = 0; step < 3; ++step) {
          const Array<float> gradient(*backend, {gradients[step], 5.0f});
          const Array<StepState> state(*backend, {StepState{.step = step, .lr = 0.1f}});
          (*backend)(SgdStep{.spec = k.spec,
                             .segments = segments,
                             .segment_count = 1,
                             .state = state.data(),
                             .gradient = gradient.data(),
                             .weight = weight.data(),
                             .velocity = k.spec.momentum == 0.0f ? nullptr : velocity.data(),
                             .low_precision = copy.data()});
          CHECK(static_cast<double>(weight.host()[0]) == doctest::Approx(k.after[step]).epsilon(5e-7));
          CHECK(copy.host()[0].bits == bf16(weight.host()[0]).bits);
        }
        CHECK(weight.host()[1] == 1.0f);  // in no segment
        CHECK(velocity.host()[1] == 0.0f);
        CHECK(copy.host()[1].bits == bf16(8.0f).bits);
      }
    }
  }

  TEST_CASE("adamw_step: two steps by hand") {
    // From 1, lr 0.1, decay 0.1, gradients 2, -1. Step 1: w = 0.99 - 0.1 * 2 / sqrt(4) = 0.89.
    // Step 2: m = 0.08, v = 0.004996; w = 0.8811 - 0.1 * (0.08 / 0.19) / sqrt(0.004996 / 0.001999) =
    // 0.854466.
    const ArenaSegment segment{0, 1, 1.0f, 0.1f};
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const Array<float> weight(*backend, {1.0f, 1.0f}), m(*backend, {0.0f, 0.0f}), v(*backend, {0.0f, 0.0f});
      const Array<bf16> copy(*backend, low_precision(2));
      const float gradients[] = {2.0f, -1.0f};
      const double after[] = {0.89, 0.85446629};
      for (std::size_t step = 0; step < 2; ++step) {
        const Array<float> gradient(*backend, {gradients[step], 5.0f});
        const Array<StepState> state(*backend, {StepState{.step = step, .lr = 0.1f}});
        (*backend)(AdamWStep{.spec = {},
                             .segments = &segment,
                             .segment_count = 1,
                             .state = state.data(),
                             .gradient = gradient.data(),
                             .weight = weight.data(),
                             .m = m.data(),
                             .v = v.data(),
                             .low_precision = copy.data()});
        CHECK(static_cast<double>(weight.host()[0]) == doctest::Approx(after[step]).epsilon(1e-6));
        CHECK(copy.host()[0].bits == bf16(weight.host()[0]).bits);
      }
      CHECK(static_cast<double>(m.host()[0]) == doctest::Approx(0.08).epsilon(1e-6));
      CHECK(static_cast<double>(v.host()[0]) == doctest::Approx(0.004996).epsilon(1e-6));
      CHECK(weight.host()[1] == 1.0f);
      CHECK(m.host()[1] == 0.0f);
    }
  }

  TEST_CASE("sgd_step and adamw_step over segments: equal to the oracle, clipped") {
    const Index count = 5000;
    const ArenaSegment segments[] = {
        {0, 1700, 1.0f, 0.01f}, {1704, 3001, 0.1f, 0.0f, 4}, {3008, 5000, 2.0f, 0.1f, 2}};
    const StepState step{.step = 4, .lr = 0.05f, .clip = 0.25f};
    const Doubles w = random_values(count, 1, DType::f32), g = random_values(count, 2, DType::f32);
    const Doubles m = random_values(count, 3, DType::f32), v = random_values(count, 4, DType::f32, 0.01, 1.0);
    for (const auto& backend : backends()) {
      for (const bool adam : {false, true}) {
        INFO(backend->name(), ", adam ", adam);
        Doubles w1 = w, m1 = m, v1 = v;
        const Array<float> weight(*backend, floats(w)), gradient(*backend, floats(g)),
            first(*backend, floats(m)), second(*backend, floats(v));
        const Array<StepState> state(*backend, {step});
        if (adam) {
          reference::adamw_step<double>({}, segments, 3, step, g.data(), w1.data(), m1.data(), v1.data());
          (*backend)(AdamWStep{.spec = {},
                               .segments = segments,
                               .segment_count = 3,
                               .state = state.data(),
                               .gradient = gradient.data(),
                               .weight = weight.data(),
                               .m = first.data(),
                               .v = second.data()});
        } else {
          reference::sgd_step<double>({}, segments, 3, step, g.data(), w1.data(), m1.data());
          (*backend)(SgdStep{.spec = {},
                             .segments = segments,
                             .segment_count = 3,
                             .state = state.data(),
                             .gradient = gradient.data(),
                             .weight = weight.data(),
                             .velocity = first.data()});
        }
        // Weights and moments are about 1 and an update is below 1: some ten roundings of values of that
        // size.
        const Doubles ones(w.size(), 1.0);
        CHECK(mismatch(doubles(weight.host()), w1, sum_bounds(w1, ones, 10, DType::f32)) == "");
        CHECK(mismatch(doubles(first.host()), m1, sum_bounds(m1, ones, 10, DType::f32)) == "");
        CHECK(mismatch(doubles(second.host()), v1, sum_bounds(v1, ones, 10, DType::f32)) == "");
      }
    }
  }

  TEST_CASE("sgd_step and adamw_step change nothing where the state says skip") {
    const ArenaSegment segment{0, 1, 1.0f, 0.1f};
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const Array<float> weight(*backend, {1.0f}), gradient(*backend, {2.0f}), m(*backend, {3.0f}),
          v(*backend, {4.0f});
      const Array<bf16> copy(*backend, low_precision(1));
      const Array<StepState> state(*backend, {StepState{.lr = 0.1f, .skip = 1}});
      (*backend)(SgdStep{.spec = {},
                         .segments = &segment,
                         .segment_count = 1,
                         .state = state.data(),
                         .gradient = gradient.data(),
                         .weight = weight.data(),
                         .velocity = m.data(),
                         .low_precision = copy.data()});
      (*backend)(AdamWStep{.spec = {},
                           .segments = &segment,
                           .segment_count = 1,
                           .state = state.data(),
                           .gradient = gradient.data(),
                           .weight = weight.data(),
                           .m = m.data(),
                           .v = v.data(),
                           .low_precision = copy.data()});
      CHECK(weight.host()[0] == 1.0f);
      CHECK(m.host()[0] == 3.0f);
      CHECK(v.host()[0] == 4.0f);
      CHECK(copy.host()[0].bits == bf16(8.0f).bits);
    }
  }
}

}  // namespace thaw::test
