#include "kernels/reference/activation.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/support/compare.h"

namespace thaw::test {

TEST_SUITE("kernels") {
  TEST_CASE("relu_forward and relu_backward are exact, apart and in place; NaN stays NaN") {
    for (const Device& device : devices()) {
      for (const Extent& e : extents) {
        INFO(device.text(), ", ", e.text());
        Values x = random_image(e, 1, device.type);
        x.v.front() = std::numeric_limits<double>::quiet_NaN();
        x.v.back() = 0.0;
        const Values dy = random_image(e, 2, device.type);
        Values y = x, dx = x;
        reference::relu_forward<double>(x.image(), y.image());
        reference::relu_backward<double>(dy.image(), y.image(), dx.image());
        const Activations in(device, x, e.gap), gradient(device, dy, e.gap), out(device, e),
            out_gradient(device, e);
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

}  // namespace thaw::test
