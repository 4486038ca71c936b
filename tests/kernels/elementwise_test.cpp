#include "kernels/reference/elementwise.h"

#include <doctest/doctest.h>

#include "tests/support/compare.h"

namespace thaw::test {

TEST_SUITE("kernels") {
  TEST_CASE("add: apart and in place") {
    for (const Device& device : devices()) {
      for (const Extent& e : extents) {
        INFO(device.text(), ", ", e.text());
        const Values a = random_image(e, 1, device.type), b = random_image(e, 2, device.type);
        Values expected = a;
        for (std::size_t i = 0; i < a.v.size(); ++i) expected.v[i] = rounded(a.v[i] + b.v[i], device.type);
        const Activations left(device, a, e.gap), right(device, b, e.gap), y(device, e);
        device.backend(Add{.a = left.view(), .b = right.view(), .y = y.view()});
        CHECK(mismatch(y.host().v, expected.v) == "");
        CHECK(y.outside_untouched());
        device.backend(Add{.a = left.view(), .b = right.view(), .y = left.view()});
        CHECK(mismatch(left.host().v, expected.v) == "");
      }
    }
  }
}

}  // namespace thaw::test
