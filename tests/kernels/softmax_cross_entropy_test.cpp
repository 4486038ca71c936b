#include "kernels/reference/losses.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support/compare.h"

namespace thaw::test {
namespace {

struct Losses {
  Doubles rows, loss, gradient;
};

Losses on_device(Backend& backend, Index n, Index k, const Doubles& logits, const Doubles& targets,
                 double normalizer, bool with_gradient = true) {
  const auto count = static_cast<std::size_t>(n * k);
  const Array<float> z(backend, floats(logits)), t(backend, floats(targets));
  const Array<float> divisor(backend, {static_cast<float>(normalizer)});
  const Array<float> rows(backend, std::vector<float>(static_cast<std::size_t>(n), 8.0f)),
      loss(backend, {8.0f});
  const Array<float> gradient(backend, std::vector<float>(count, 8.0f));
  backend(SoftmaxCrossEntropy{.n = n,
                              .k = k,
                              .logits = z.data(),
                              .targets = t.data(),
                              .normalizer = divisor.data(),
                              .row_loss = rows.data(),
                              .loss = loss.data(),
                              .dlogits = with_gradient ? gradient.data() : nullptr});
  return {doubles(rows.host()), doubles(loss.host()), doubles(gradient.host())};
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("softmax_cross_entropy equals the oracle") {
    struct Case {
      Index n, k;
      double size;
    };
    for (const auto& backend : backends()) {
      // Fewer classes than lanes of a warp, more, one; more rows than one pass of the emulated GPU's grid.
      for (const Case& c : {Case{1, 1, 1.0}, Case{1, 2, 1.0}, Case{33, 10, 5.0}, Case{5, 33, 90.0},
                            Case{7, 1000, 10.0}, Case{200, 7, 2.0}}) {
        INFO(backend->name(), ", ", c.n, " x ", c.k);
        const Doubles logits = random_values(c.n * c.k, 1, DType::f32, -c.size, c.size);
        const Doubles targets = random_values(c.n * c.k, 2, DType::f32, 0.0, 2.0 / static_cast<double>(c.k));
        const auto normalizer = static_cast<double>(c.n);
        Doubles rows(static_cast<std::size_t>(c.n)), loss(1), gradient(logits.size());
        reference::softmax_cross_entropy<double>(c.n, c.k, logits.data(), targets.data(), &normalizer,
                                                 rows.data(), loss.data(), gradient.data());
        const Losses actual = on_device(*backend, c.n, c.k, logits, targets, normalizer);
        // Each of the k terms is at most t * (2 size + log k); exp passes on its argument's error of 2 size *
        // 2^-24.
        const double term = 2.0 * (2.0 * c.size + std::log(static_cast<double>(c.k)));
        const auto k = static_cast<double>(c.k);
        CHECK(mismatch(actual.rows, rows, sum_bounds(rows, Doubles(rows.size(), term), k + 8, DType::f32)) ==
              "");
        CHECK(mismatch(actual.loss, loss, sum_bounds(loss, {term}, k + normalizer + 8, DType::f32)) == "");
        Doubles size(gradient.size());
        for (std::size_t i = 0; i < size.size(); ++i) {
          size[i] =
              (std::abs(gradient[i] * normalizer) + 2.0 * targets[i]) * (2.0 * c.size + 2.0) / normalizer;
        }
        CHECK(mismatch(actual.gradient, gradient, sum_bounds(gradient, size, k + 8, DType::f32)) == "");
        const Losses without = on_device(*backend, c.n, c.k, logits, targets, normalizer, false);
        CHECK(without.rows == actual.rows);
        CHECK(without.gradient == Doubles(logits.size(), 8.0));
      }
    }
  }

  TEST_CASE("softmax_cross_entropy: label smoothing by hand") {
    // softmax(log 3, 0) = (3/4, 1/4); label 0 with smoothing 0.2 over 2 classes: targets (0.9, 0.1).
    // loss = 0.9 log(4/3) + 0.1 log 4 = 0.397543; gradient = softmax - targets = (-0.15, 0.15).
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const Losses actual = on_device(*backend, 1, 2, {std::log(3.0), 0.0}, {0.9, 0.1}, 1.0);
      CHECK(actual.loss[0] == doctest::Approx(0.397543).epsilon(1e-6));
      CHECK(actual.rows[0] == doctest::Approx(0.397543).epsilon(1e-6));
      CHECK(actual.gradient[0] == doctest::Approx(-0.15).epsilon(1e-6));
      CHECK(actual.gradient[1] == doctest::Approx(0.15).epsilon(1e-6));
    }
  }

  TEST_CASE("softmax_cross_entropy: class weights divide by their sum") {
    // Equal logits: each row's loss is log 2, times 3 and 1; the divisor is 4.
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const Losses actual = on_device(*backend, 2, 2, {0.0, 0.0, 0.0, 0.0}, {3.0, 0.0, 0.0, 1.0}, 4.0);
      CHECK(actual.rows[0] == doctest::Approx(3.0 * std::log(2.0)).epsilon(1e-6));
      CHECK(actual.loss[0] == doctest::Approx(std::log(2.0)).epsilon(1e-6));
      CHECK(actual.gradient[0] == doctest::Approx(-0.375).epsilon(1e-6));
      CHECK(actual.gradient[3] == doctest::Approx(-0.125).epsilon(1e-6));
    }
  }

  TEST_CASE("softmax_cross_entropy: logits of 1e4 neither overflow nor lose the loss; NaN shows") {
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const Losses actual =
          on_device(*backend, 2, 3, {1e4, -1e4, 0.0, 1e4, -1e4, 1e4}, {1, 0, 0, 0, 1, 0}, 2.0);
      CHECK(actual.rows[0] == 0.0);
      CHECK(actual.rows[1] == doctest::Approx(20000.0 + std::log(2.0)).epsilon(1e-6));
      CHECK(mismatch(actual.gradient, {0.0, 0.0, 0.0, 0.25, -0.5, 0.25}) == "");
      const double nan = std::numeric_limits<double>::quiet_NaN(),
                   inf = std::numeric_limits<double>::infinity();
      for (const Doubles& logits : {Doubles{nan, 0.0}, Doubles{0.0, nan}}) {
        const Losses broken = on_device(*backend, 1, 2, logits, {1.0, 0.0}, 1.0);
        CHECK(std::isnan(broken.loss[0]));
        CHECK(std::isnan(broken.gradient[0]));
      }
      // A class that cannot be, and a NaN whose class has no weight.
      const Losses odd = on_device(*backend, 2, 3, {1e4, 1e4, -inf, nan, 0, 0}, {1, 0, 0, 0, 0, 0}, 1.0);
      CHECK(odd.rows[0] == doctest::Approx(std::log(2.0)).epsilon(1e-6));
      CHECK(odd.gradient[2] == 0.0);
      CHECK(std::isnan(odd.rows[1]));
    }
  }
}

}  // namespace thaw::test
