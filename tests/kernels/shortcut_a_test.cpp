#include <doctest/doctest.h>

#include "tests/support/compare.h"

namespace thaw::test {

TEST_SUITE("kernels") {
  TEST_CASE("shortcut_a: every second pixel, channels in the middle, zeros around; odd sizes") {
    for (const Device& device : devices()) {
      for (const Index gap : {0, 3}) {
        for (const Index size : {6, 7}) {
          INFO(device.text(), ", gap ", gap, ", size ", size);
          const Index half = (size + 1) / 2;
          Values x = random_image(2, size, size, 5, 1, device.type), y(2, half, half, 12);
          Values dy = random_image(2, half, half, 12, 2, device.type), dx(2, size, size, 5);
          for (Index n = 0; n < 2; ++n) {
            for (Index row = 0; row < half; ++row) {
              for (Index column = 0; column < half; ++column) {
                for (Index c = 0; c < 5; ++c) {  // (12 - 5) / 2 = 3
                  y.at(n, row, column, 3 + c) = x.at(n, 2 * row, 2 * column, c);
                  dx.at(n, 2 * row, 2 * column, c) = dy.at(n, row, column, 3 + c);
                }
              }
            }
          }
          const Activations in(device, x, gap), out(device, 2, half, half, 12, gap);
          device.backend(ShortcutAForward{.x = in.view(), .y = out.view()});
          CHECK(mismatch(out.host().v, y.v) == "");
          CHECK(out.outside_untouched());
          const Activations gradient(device, dy, gap), out_gradient(device, 2, size, size, 5, gap);
          device.backend(ShortcutABackward{.dy = gradient.view(), .dx = out_gradient.view()});
          CHECK(mismatch(out_gradient.host().v, dx.v) == "");
          CHECK(out_gradient.outside_untouched());
        }
      }
    }
  }
}

}  // namespace thaw::test
