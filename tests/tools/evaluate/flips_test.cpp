#include "tools/evaluate/flips.h"

#include <doctest/doctest.h>

#include <cmath>

namespace thaw {
namespace {

TEST_CASE("--tta flips: logits that stand for the mean of two probabilities") {
  for (const std::int64_t columns : {1, 3}) {
    const std::vector<float> a{2.0f, -1.0f, 0.5f, 30.0f, -4.0f, 0.0f},
        b{-1.0f, 3.0f, 0.25f, -90.0f, 200.0f, 1.0f};
    const std::vector<float> mean = mean_probability_logits(a, b, columns);
    REQUIRE(mean.size() == a.size());
    for (std::size_t row = 0; row < a.size(); row += static_cast<std::size_t>(columns)) {
      const auto p = probabilities(a.data() + row, columns), q = probabilities(b.data() + row, columns),
                 m = probabilities(mean.data() + row, columns);
      for (std::size_t c = 0; c < m.size(); ++c)
        CHECK(m[c] == doctest::Approx((p[c] + q[c]) / 2).epsilon(1e-6));  // the logits are f32
    }
  }
  // Where both probabilities vanish in f64 their logarithm is still there.
  const std::vector<float> far = mean_probability_logits({0, 2000}, {0, 2000}, 2);
  CHECK(far[0] == doctest::Approx(-2000).epsilon(1e-6));
}

}  // namespace
}  // namespace thaw
