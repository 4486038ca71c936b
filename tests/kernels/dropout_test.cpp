#include "kernels/reference/dropout.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/compare.h"

namespace thaw::test {
namespace {

constexpr StepState state{.step = (std::uint64_t{1} << 33) + 7, .seed = 0x123456789abcdefull};

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("dropout: the same elements on every device, kept ones scaled") {
    for (const Device& device : devices()) {
      for (const Extent& e : extents) {
        for (const float p : {0.0f, 0.2f, 0.5f, 0.9f}) {
          INFO(device.text(), ", ", e.text(), ", p ", p);
          Values x = random_image(e, 1, device.type), y = x;
          for (double& v : x.v) v += v < 0.0 ? -1.0 : 1.0;  // no zeros of its own
          for (double& v : x.v) v = rounded(v, device.type);
          reference::dropout<double>(x.image(), p, 5, state, y.image());
          const Activations in(device, x, e.gap), out(device, e);
          const Array<StepState> memory(device.backend, {state});
          device.backend(
              DropoutForward{.x = in.view(), .p = p, .layer = 5, .state = memory.data(), .y = out.view()});
          const Doubles actual = out.host().v;
          Index different = 0;
          for (std::size_t i = 0; i < actual.size(); ++i) different += (actual[i] == 0.0) != (y.v[i] == 0.0);
          CHECK(different == 0);
          CHECK(mismatch(actual, y.v, sum_bounds(y.v, absolute(y).v, 4, device.type)) == "");
          CHECK(out.outside_untouched());
          device.backend(
              DropoutForward{.x = in.view(), .p = p, .layer = 5, .state = memory.data(), .y = in.view()});
          CHECK(mismatch(in.host().v, actual) == "");
        }
      }
    }
  }

  TEST_CASE("dropout: layer, step and seed each change the mask; the kept share is 1 - p") {
    Values x(1, 100, 100, 4);
    for (double& v : x.v) v = 1.0;
    const auto mask = [&](std::uint32_t layer, const StepState& with) {
      Values y = x;
      reference::dropout<double>(x.image(), 0.3f, layer, with, y.image());
      return y.v;
    };
    const Doubles first = mask(0, state);
    double kept = 0.0;
    for (const double v : first) kept += v != 0.0;
    // 40000 trials of probability 0.7: four standard deviations are 0.0092.
    CHECK(std::abs(kept / 40000.0 - 0.7) < 0.0092);
    CHECK(mask(0, state) == first);
    CHECK(mask(1, state) != first);
    CHECK(mask(0, {.step = state.step + 1, .seed = state.seed}) != first);
    CHECK(mask(0, {.step = state.step, .seed = state.seed + 1}) != first);
  }
}

}  // namespace thaw::test
