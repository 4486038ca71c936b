#include "kernels/reference/losses.h"

#include <doctest/doctest.h>

#include <cmath>
#include <utility>

#include "tests/support/compare.h"

namespace thaw::test {
namespace {

struct Losses {
  Doubles rows, loss, gradient;
};

Losses on_device(Backend& backend, Index n, Index k, const Doubles& logits, const Doubles& targets,
                 const Doubles& weights, double normalizer) {
  const Array<float> z(backend, floats(logits)), t(backend, floats(targets)), w(backend, floats(weights));
  const Array<float> divisor(backend, {static_cast<float>(normalizer)});
  const Array<float> rows(backend, std::vector<float>(static_cast<std::size_t>(n), 8.0f)),
      loss(backend, {8.0f});
  const Array<float> gradient(backend, std::vector<float>(logits.size(), 8.0f));
  backend(BinaryCrossEntropyWithLogits{.n = n,
                                       .k = k,
                                       .logits = z.data(),
                                       .targets = t.data(),
                                       .weights = weights.empty() ? nullptr : w.data(),
                                       .normalizer = divisor.data(),
                                       .row_loss = rows.data(),
                                       .loss = loss.data(),
                                       .dlogits = gradient.data()});
  return {doubles(rows.host()), doubles(loss.host()), doubles(gradient.host())};
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("binary_cross_entropy_with_logits equals the oracle, with and without weights") {
    for (const auto& backend : backends()) {
      for (const bool weighted : {false, true})
        for (const auto& [n, k] : {std::pair<Index, Index>{19, 3}, {1, 1}, {5, 33}, {2, 1000}, {200, 7}}) {
          INFO(backend->name(), ", weighted ", weighted, ", ", n, " x ", k);
          const Doubles logits = random_values(n * k, 1, DType::f32, -6.0, 6.0);
          const Doubles targets = random_values(n * k, 2, DType::f32, 0.0, 1.0);
          const Doubles weights = weighted ? random_values(n * k, 3, DType::f32, 0.5, 2.0) : Doubles{};
          const auto normalizer = static_cast<double>(n * k);
          Doubles rows(static_cast<std::size_t>(n)), loss(1), gradient(logits.size());
          reference::binary_cross_entropy_with_logits<double>(
              n, k, logits.data(), targets.data(), weighted ? weights.data() : nullptr, &normalizer,
              rows.data(), loss.data(), gradient.data());
          const Losses actual = on_device(*backend, n, k, logits, targets, weights, normalizer);
          // A term is at most weight * (2 * 6 + log 2).
          const Doubles term(rows.size(), 2.0 * 13.0 * static_cast<double>(k));
          const auto terms = static_cast<double>(n + k + 10);
          CHECK(mismatch(actual.rows, rows, sum_bounds(rows, term, terms, DType::f32)) == "");
          CHECK(mismatch(actual.loss, loss, sum_bounds(loss, {26.0}, terms, DType::f32)) == "");
          const Doubles size(gradient.size(), 2.0 * 2.0 / normalizer);
          CHECK(mismatch(actual.gradient, gradient, sum_bounds(gradient, size, 8, DType::f32)) == "");
        }
    }
  }

  TEST_CASE("binary_cross_entropy_with_logits: by hand, and logits of 1e4") {
    // z = log 3, t = 1: -log(3/4) = 0.287682, gradient 3/4 - 1.
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const Losses hand = on_device(*backend, 1, 1, {std::log(3.0)}, {1.0}, {}, 1.0);
      CHECK(hand.loss[0] == doctest::Approx(0.287682).epsilon(1e-5));
      CHECK(hand.gradient[0] == doctest::Approx(-0.25).epsilon(1e-6));
      const Losses far = on_device(*backend, 2, 2, {1e4, 1e4, -1e4, -1e4}, {1, 0, 1, 0}, {}, 2.0);
      CHECK(mismatch(far.rows, {1e4, 1e4}) == "");
      CHECK(mismatch(far.gradient, {0.0, 0.5, -0.5, 0.0}) == "");
    }
  }
}

}  // namespace thaw::test
