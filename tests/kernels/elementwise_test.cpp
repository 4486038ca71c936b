#include "kernels/reference/elementwise.h"

#include <doctest/doctest.h>

#include "tests/support/compare.h"

namespace thaw::test {

TEST_SUITE("kernels") {
  TEST_CASE("add: apart and in place") {
    for (const Device& device : devices()) {
      for (const Index c : {3, 12, 17, 64}) {
        for (const Index gap : {0, 3}) {
          INFO(device.text(), ", channels ", c, ", gap ", gap);
          const Values a = random_image(2, 3, 5, c, 1, device.type),
                       b = random_image(2, 3, 5, c, 2, device.type);
          Values expected = a;
          for (std::size_t i = 0; i < a.v.size(); ++i) expected.v[i] = rounded(a.v[i] + b.v[i], device.type);
          const Activations left(device, a, gap), right(device, b, gap), y(device, 2, 3, 5, c, gap);
          device.backend(Add{.a = left.view(), .b = right.view(), .y = y.view()});
          CHECK(mismatch(y.host().v, expected.v) == "");
          CHECK(y.outside_untouched());
          device.backend(Add{.a = left.view(), .b = right.view(), .y = left.view()});
          CHECK(mismatch(left.host().v, expected.v) == "");
        }
      }
    }
  }
}

}  // namespace thaw::test
