#include "tools/evaluate/wilson_interval.h"

#include <doctest/doctest.h>

#include "kernels/error.h"

namespace thaw {
namespace {

TEST_CASE("wilson_interval: the values of Newcombe 1998, table I, method 3") {
  const auto near = [](std::int64_t right, std::int64_t images, double low, double high) {
    const auto [a, b] = wilson_interval(right, images);
    // The table has four decimals.
    CHECK(a == doctest::Approx(low).scale(1).epsilon(0.00005));
    CHECK(b == doctest::Approx(high).scale(1).epsilon(0.00005));
  };
  near(81, 263, 0.2553, 0.3662);
  near(15, 148, 0.0624, 0.1605);
  near(0, 20, 0.0, 0.1611);
  near(1, 29, 0.0061, 0.1718);
}

TEST_CASE(
    "wilson_interval: mirrored for right and wrong, within [0, 1], and refuses what cannot be counted") {
  for (const auto& [right, images] : {std::pair{0, 1}, {3, 10}, {10, 10}, {999, 1000}}) {
    const auto [low, high] = wilson_interval(right, images);
    const auto [other_low, other_high] = wilson_interval(images - right, images);
    CHECK(low == doctest::Approx(1 - other_high));
    CHECK(low <= static_cast<double>(right) / images);
    CHECK(high >= static_cast<double>(right) / images);
    CHECK(low >= 0);
    CHECK(high <= 1);
  }
  CHECK(wilson_interval(0, 0) == std::pair{0.0, 1.0});
  CHECK_THROWS_WITH_AS(wilson_interval(3, 2), doctest::Contains("3 of 2"), Error);
  CHECK_THROWS_AS(wilson_interval(-1, 2), Error);
}

}  // namespace
}  // namespace thaw
