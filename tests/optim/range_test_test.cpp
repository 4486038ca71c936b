// The learning-rate range test, on a loss whose numbers Python worked out.
#include "optim/range_test.h"

#include <doctest/doctest.h>

#include <cmath>

namespace thaw {
namespace {

// Falls by a hundredth a step, and from step 80 on explodes.
double loss_at(std::size_t i) {
  const double fall = i > 70 ? 1.0 : 0.01 * static_cast<double>(i);
  const double rise = i < 80 ? 0 : 0.2 * std::pow(static_cast<double>(i) - 79, 2);
  return 1.6 - fall + rise;
}

TEST_CASE("range test: equal factors, smoothing, the end, and a third of the rate of the least loss") {
  CHECK(RangeTest::rate(0) == doctest::Approx(1e-5));
  CHECK(RangeTest::rate(99) == doctest::Approx(10));
  RangeTest test;
  while (test.add(loss_at(test.loss.size()))) {
  }
  REQUIRE(test.loss.size() == 87);
  CHECK(test.loss[5] == doctest::Approx(1.5719478230062816).epsilon(1e-12));
  CHECK(test.loss[86] == doctest::Approx(3.114661633389384).epsilon(1e-12));
  CHECK(test.choose(7));
  CHECK(test.chosen == doctest::Approx(0.20453024244710585).epsilon(1e-12));
}

TEST_CASE("range test: it ends at a loss that is no number, and chooses the other rate where nothing falls") {
  RangeTest test;
  for (int i = 0; i < 40; ++i) CHECK(test.add(1 + 0.02 * (i % 2)));
  CHECK_FALSE(test.add(std::nan("")));
  CHECK(test.loss.size() == 40);
  CHECK_FALSE(test.choose(0.05));
  CHECK(test.chosen == 0.05);
  RangeTest empty;
  CHECK_FALSE(empty.choose(0.1));
}

}  // namespace
}  // namespace thaw
