#include "kernels/reference/activation.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/support/compare.h"

namespace thaw::test {

TEST_SUITE("kernels") {
  TEST_CASE("relu_forward and relu_backward are exact, NaN stays NaN") {
    for (const Device& device : devices()) {
      for (const Index c : {3, 12, 17, 64}) {
        for (const Index gap : {0, 5}) {
          INFO(device.text(), ", channels ", c, ", gap ", gap);
          Values x = random_image(2, 5, 3, c, 1, device.type);
          x.v[1] = 0.0;
          x.v[2] = std::numeric_limits<double>::quiet_NaN();
          const Values dy = random_image(2, 5, 3, c, 2, device.type);
          Values y = x, dx = x;
          reference::relu_forward<double>(x.image(), y.image());
          reference::relu_backward<double>(dy.image(), y.image(), dx.image());
          const Activations in(device, x, gap), gradient(device, dy, gap);
          const Activations out(device, 2, 5, 3, c, gap), out_gradient(device, 2, 5, 3, c, gap);
          device.backend(ReluForward{.x = in.view(), .y = out.view()});
          CHECK(mismatch(out.host().v, y.v) == "");
          CHECK(out.outside_untouched());
          device.backend(ReluBackward{.dy = gradient.view(), .y = out.view(), .dx = out_gradient.view()});
          CHECK(mismatch(out_gradient.host().v, dx.v) == "");
          CHECK(out_gradient.outside_untouched());
          device.backend(ReluForward{.x = in.view(), .y = in.view()});
          CHECK(mismatch(in.host().v, y.v) == "");
          device.backend(ReluBackward{.dy = gradient.view(), .y = out.view(), .dx = gradient.view()});
          CHECK(mismatch(gradient.host().v, dx.v) == "");
        }
      }
    }
  }
}

}  // namespace thaw::test
