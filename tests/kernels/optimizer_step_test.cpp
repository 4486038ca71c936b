#include "kernels/reference/optimizer_step.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/support/compare.h"

namespace thaw::test {
namespace {

std::vector<bf16> low_precision(std::size_t count) {
  return std::vector<bf16>(count, bf16(8.0f));
}

constexpr Index arena_size = 24000;

Doubles arena(std::uint64_t seed) {
  return random_values(arena_size, seed, DType::f32);
}

// On a vector's boundary and beside it, shorter than a chunk and longer than a pass of the emulated grid, empty, with
// padding between them, and more of them than one launch's table holds; some first trained at `step` or before.
std::vector<ArenaSegment> some_segments(std::uint64_t step) {
  std::vector<ArenaSegment> all{{0, 1500, 1.0f, 0.0f, step},
                                {1501, 1504, 0.5f, 0.1f},
                                {1504, 1504, 1.0f, 0.0f},
                                {1600, 16000, 2.0f, 0.01f, step / 2},
                                {16001, 18100, 1.0f, 0.2f}};
  for (Index i = 0; i < 210; ++i) all.push_back({18200 + i * 20, 18200 + i * 20 + 1 + i % 20, 1.0f, 0.001f});
  return all;
}

// An arena in a device's memory, `shift` values behind its start.
class ArenaOn {
 public:
  ArenaOn(Backend& backend, const Doubles& values, std::size_t shift)
      : shift_(shift), array_(backend, shifted(values, shift)) {}
  float* data() const { return array_.data() + shift_; }
  std::vector<float> host() const {
    const std::vector<float> all = array_.host();
    return {all.begin() + static_cast<std::ptrdiff_t>(shift_), all.end()};
  }
  // Values and updates are about 1: some ten roundings of values of that size.
  std::string mismatch(const Doubles& expected) const {
    return test::mismatch(doubles(host()), expected,
                          sum_bounds(expected, Doubles(expected.size(), 1.0), 10, DType::f32));
  }

 private:
  static std::vector<float> shifted(const Doubles& values, std::size_t shift) {
    std::vector<float> all = floats(values);
    all.insert(all.begin(), shift, 8.0f);
    return all;
  }
  std::size_t shift_;
  Array<float> array_;
};

// Elements whose bf16 copy is not the weight inside a segment, or was touched outside.
Index wrong_copies(const std::vector<bf16>& copies, const std::vector<float>& weight,
                   const std::vector<ArenaSegment>& segments) {
  std::vector<bool> inside(copies.size(), false);
  for (const ArenaSegment& s : segments)
    for (Index i = s.begin; i < s.end; ++i) inside[static_cast<std::size_t>(i)] = true;
  Index wrong = 0;
  for (std::size_t i = 0; i < copies.size(); ++i)
    wrong += copies[i].bits != (inside[i] ? bf16(weight[i]) : bf16(8.0f)).bits;
  return wrong;
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("gradient_norm: norm, clip factor and skip") {
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const auto norm = [&](const std::vector<float>& gradient, float max_norm, std::size_t from = 0) {
        const Array<float> g(*backend, gradient);
        const Array<StepState> state(*backend,
                                     {StepState{.step = 3, .max_norm = max_norm, .clip = 8, .skip = 8}});
        (*backend)(GradientNorm{.gradient = g.data() + from,
                                .count = static_cast<Index>(gradient.size() - from),
                                .state = state.data()});
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
      CHECK(norm({3e38f, 3e38f}, 0.0f).skip == 1);
      // In f32 the many small squares would vanish beside the large one.
      std::vector<float> many(100001, 1e-3f);
      many[0] = 100.0f;
      CHECK(norm(many, 0.0f).grad_norm == doctest::Approx(std::sqrt(1e4 + 0.1)).epsilon(1e-7));
      const Doubles random = random_values(30001, 9, DType::f32);
      double sum = 0.0;
      for (std::size_t i = 1; i < random.size(); ++i) sum += random[i] * random[i];
      CHECK(norm(floats(random), 0.0f, 1).grad_norm == doctest::Approx(std::sqrt(sum)).epsilon(1e-7));
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

  TEST_CASE("sgd_step and adamw_step over segments: equal to the oracle, clipped, with bf16 copies") {
    struct Case {
      std::string what;
      bool adam;
      SgdSpec spec;
      std::uint64_t step;
      std::size_t shift;    // of the arenas from the start of their memory
      std::size_t shift_m;  // of the first moment
    };
    const Case cases[] = {{"momentum", false, {.momentum = 0.9f}, 4, 0, 0},
                          {"Nesterov, beside a vector", false, {.momentum = 0.9f, .nesterov = true}, 4, 1, 1},
                          {"no momentum", false, {.momentum = 0.0f}, 4, 0, 0},
                          {"velocity beside a vector", false, {.momentum = 0.9f}, 4, 0, 1},
                          {"AdamW's first step", true, {}, 0, 0, 0},
                          {"AdamW, beside a vector", true, {}, 4, 1, 1},
                          {"AdamW after many steps, m beside a vector", true, {}, 1000, 0, 1}};
    for (const auto& backend : backends()) {
      for (const Case& k : cases) {
        INFO(backend->name(), ", ", k.what);
        const StepState step{.step = k.step, .lr = 0.05f, .clip = 0.25f};
        const std::vector<ArenaSegment> segments = some_segments(k.step);
        const auto segment_count = static_cast<Index>(segments.size());
        Doubles w = arena(1), m = arena(3), v = random_values(arena_size, 4, DType::f32, 0.01, 1.0);
        const Doubles g = arena(2);
        const ArenaOn weight(*backend, w, k.shift), gradient(*backend, g, k.shift),
            first(*backend, m, k.shift_m), second(*backend, v, k.shift_m);
        const Array<bf16> copy(*backend, low_precision(w.size()));
        const Array<StepState> state(*backend, {step});
        if (k.adam) {
          reference::adamw_step<double>({}, segments.data(), segment_count, step, g.data(), w.data(),
                                        m.data(), v.data());
          (*backend)(AdamWStep{.spec = {},
                               .segments = segments.data(),
                               .segment_count = segment_count,
                               .state = state.data(),
                               .gradient = gradient.data(),
                               .weight = weight.data(),
                               .m = first.data(),
                               .v = second.data(),
                               .low_precision = copy.data()});
        } else {
          reference::sgd_step<double>(k.spec, segments.data(), segment_count, step, g.data(), w.data(),
                                      m.data());
          (*backend)(SgdStep{.spec = k.spec,
                             .segments = segments.data(),
                             .segment_count = segment_count,
                             .state = state.data(),
                             .gradient = gradient.data(),
                             .weight = weight.data(),
                             .velocity = first.data(),
                             .low_precision = copy.data()});
        }
        CHECK(weight.mismatch(w) == "");
        CHECK(first.mismatch(m) == "");
        CHECK(second.mismatch(v) == "");
        CHECK(wrong_copies(copy.host(), weight.host(), segments) == 0);
      }
      const Array<StepState> state(*backend, {StepState{}});
      (*backend)(SgdStep{.spec = {.momentum = 0.0f},
                         .segments = nullptr,
                         .segment_count = 0,
                         .state = state.data(),
                         .gradient = nullptr,
                         .weight = nullptr});
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
