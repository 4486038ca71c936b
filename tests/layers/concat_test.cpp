#include "layers/concat.h"

#include <doctest/doctest.h>

#include "tests/layers/numeric.h"
#include "tests/support/devices.h"

namespace thaw {
namespace {

using test::random_tensor;

TEST_CASE("concat joins channels and hands each part its slice of the gradient") {
  for (const auto& backend : test::backends()) {
    CAPTURE(backend->name());
    const Variable a(random_tensor(*backend, {2, 3, 4, 5}, 1), true),
        b(random_tensor(*backend, {2, 4, 4, 5}, 2)), c(random_tensor(*backend, {2, 1, 4, 5}, 3), true);
    const Variable y = concat({a, b, c}, "m");
    REQUIRE(y.value().shape() == Shape{2, 8, 4, 5});
    const auto equal = [](const Tensor& x, const Tensor& part) {
      return to_contiguous(x.to_host()) == to_contiguous(part.to_host());
    };
    CHECK(equal(y.value().channels(0, 3), a.value()));
    CHECK(equal(y.value().channels(3, 7), b.value()));
    CHECK(equal(y.value().channels(7, 8), c.value()));
    const Tensor g = random_tensor(*backend, {2, 8, 4, 5}, 4);
    backward(y, g);
    CHECK(equal(a.grad(), g.channels(0, 3)));
    CHECK(!b.grad().defined());
    CHECK(equal(c.grad(), g.channels(7, 8)));
  }
}

TEST_CASE("concat joins rows") {
  const auto backend = make_backend("reference");
  const Variable a(random_tensor(*backend, {2, 3}, 1)), b(random_tensor(*backend, {2, 2}, 2));
  const std::vector<float> x = to_contiguous(a.value()), z = to_contiguous(b.value());
  CHECK(to_contiguous(concat({a, b}, "m").value()) ==
        std::vector<float>{x[0], x[1], x[2], z[0], z[1], x[3], x[4], x[5], z[2], z[3]});
}

TEST_CASE("concat refuses parts that do not fit") {
  const auto backend = make_backend("reference");
  const Variable a(random_tensor(*backend, {2, 3, 4, 4}, 1)), b(random_tensor(*backend, {2, 3, 4, 5}, 2)),
      rows(random_tensor(*backend, {2, 3}, 3));
  CHECK_THROWS_WITH_AS(concat({}, "m"), "concat m: nothing to join", Error);
  CHECK_THROWS_WITH_AS(concat({a, b}, "m"), "concat m: [2, 3, 4, 4] and [2, 3, 4, 5] do not fit together",
                       Error);
  CHECK_THROWS_AS(concat({a, rows}, "m"), Error);
  CHECK_THROWS_AS(concat({rows, a}, "m"), Error);
}

}  // namespace
}  // namespace thaw
