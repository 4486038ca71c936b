#include <doctest/doctest.h>

#include "tests/support/compare.h"

namespace thaw::test {

TEST_SUITE("kernels") {
  TEST_CASE("flatten: PyTorch's order, there and back") {
    for (const Device& device : devices()) {
      for (const Extent& e : extents) {
        INFO(device.text(), ", ", e.text());
        Values x = random_image(e, 1, device.type), rows(e.n, 1, 1, e.h * e.w * e.c);
        for (Index n = 0; n < e.n; ++n) {
          for (Index c = 0; c < e.c; ++c) {
            for (Index y = 0; y < e.h; ++y) {
              for (Index column = 0; column < e.w; ++column) {
                rows.at(n, 0, 0, (c * e.h + y) * e.w + column) = x.at(n, y, column, c);
              }
            }
          }
        }
        const Activations in(device, x, e.gap), out(device, rows.n, 1, 1, rows.c, e.gap), back(device, e);
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
