#include <doctest/doctest.h>

#include "tests/support/compare.h"

namespace thaw::test {

TEST_SUITE("kernels") {
  TEST_CASE("shortcut_a: every second pixel, channels in the middle, zeros around; odd sizes") {
    for (const Device& device : devices()) {
      for (const Extent& e : extents) {
        for (const Index wider : {Index{0}, Index{16}, e.c}) {
          INFO(device.text(), ", ", e.text(), ", wider by ", wider);
          Values x = random_image(e, 1, device.type), y(e.n, (e.h + 1) / 2, (e.w + 1) / 2, e.c + wider);
          Values dy = random_image(y.n, y.h, y.w, y.c, 2, device.type), dx(e);
          for (Index n = 0; n < y.n; ++n) {
            for (Index row = 0; row < y.h; ++row) {
              for (Index column = 0; column < y.w; ++column) {
                for (Index c = 0; c < e.c; ++c) {
                  y.at(n, row, column, wider / 2 + c) = x.at(n, 2 * row, 2 * column, c);
                  dx.at(n, 2 * row, 2 * column, c) = dy.at(n, row, column, wider / 2 + c);
                }
              }
            }
          }
          const Activations in(device, x, e.gap), out(device, y.n, y.h, y.w, y.c, e.gap);
          device.backend(ShortcutAForward{.x = in.view(), .y = out.view()});
          CHECK(mismatch(out.host().v, y.v) == "");
          CHECK(out.outside_untouched());
          const Activations gradient(device, dy, e.gap), out_gradient(device, e);
          device.backend(ShortcutABackward{.dy = gradient.view(), .dx = out_gradient.view()});
          CHECK(mismatch(out_gradient.host().v, dx.v) == "");
          CHECK(out_gradient.outside_untouched());
        }
      }
    }
  }
}

}  // namespace thaw::test
