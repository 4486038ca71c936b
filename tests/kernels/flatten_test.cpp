#include <doctest/doctest.h>

#include "tests/support/compare.h"

namespace thaw::test {

TEST_SUITE("kernels") {
  TEST_CASE("flatten: PyTorch's order, there and back") {
    for (const Device& device : devices()) {
      for (const Index gap : {0, 3}) {
        INFO(device.text(), ", gap ", gap);
        Values x = random_image(2, 3, 4, 17, 1, device.type), rows(2, 1, 1, 17 * 12);
        for (Index n = 0; n < 2; ++n) {
          for (Index c = 0; c < 17; ++c) {
            for (Index y = 0; y < 3; ++y) {
              for (Index column = 0; column < 4; ++column) {
                rows.at(n, 0, 0, (c * 3 + y) * 4 + column) = x.at(n, y, column, c);
              }
            }
          }
        }
        const Activations in(device, x, gap), out(device, 2, 1, 1, 17 * 12, gap),
            back(device, 2, 3, 4, 17, gap);
        device.backend(FlattenForward{.x = in.view(), .y = out.view()});
        CHECK(mismatch(out.host().v, rows.v) == "");
        CHECK(out.outside_untouched());
        device.backend(FlattenBackward{.dy = out.view(), .dx = back.view()});
        CHECK(mismatch(back.host().v, x.v) == "");
        CHECK(back.outside_untouched());
      }
    }
  }
}

}  // namespace thaw::test
