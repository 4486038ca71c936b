#include "layers/join_views.h"

#include <doctest/doctest.h>

#include "tests/layers/numeric.h"
#include "tests/support/devices.h"

namespace thaw {
namespace {

using test::random_tensor;

TEST_CASE("join_views puts a case's rows and numbers side by side and hands back its slice of the gradient") {
  for (const auto& backend : test::backends()) {
    CAPTURE(backend->name());
    const Variable rows(random_tensor(*backend, {6, 5}, 1), true);
    const Tensor features = random_tensor(*backend, {2, 2}, 2);
    const Variable y = join_views(rows, 3, features, "m");
    REQUIRE(y.value().shape() == Shape{2, 17});
    const std::vector<float> r = to_contiguous(rows.value()), f = to_contiguous(features),
                             joined = to_contiguous(y.value());
    for (std::size_t n = 0; n < 2; ++n)
      for (std::size_t i = 0; i < 17; ++i)
        CHECK(joined[n * 17 + i] == (i < 15 ? r[n * 15 + i] : f[n * 2 + i - 15]));
    const Tensor g = random_tensor(*backend, {2, 17}, 3);
    const std::vector<float> dy = to_contiguous(g);
    backward(y, g);
    const std::vector<float> dx = to_contiguous(rows.grad());
    REQUIRE(rows.grad().shape() == Shape{6, 5});
    for (std::size_t n = 0; n < 2; ++n)
      for (std::size_t i = 0; i < 15; ++i) CHECK(dx[n * 15 + i] == dy[n * 17 + i]);
  }
}

TEST_CASE("join_views of one view without numbers is nothing at all") {
  const auto backend = make_backend("reference");
  const Variable rows(random_tensor(*backend, {2, 3}, 1));
  CHECK(join_views(rows, 1, {}, "m").value().data() == rows.value().data());
}

TEST_CASE("join_views refuses rows that are no whole number of cases") {
  const auto backend = make_backend("reference");
  const Variable rows(random_tensor(*backend, {5, 3}, 1));
  CHECK_THROWS_WITH_AS(join_views(rows, 2, {}, "m"),
                       "join_views m: takes rows [N * 2, C] and features [N, F], got [5, 3]", Error);
  CHECK_THROWS_WITH_AS(join_views(rows, 5, random_tensor(*backend, {2, 4}, 2), "m"),
                       "join_views m: takes rows [N * 5, C] and features [N, F], got [5, 3] and [2, 4]",
                       Error);
}

}  // namespace
}  // namespace thaw
