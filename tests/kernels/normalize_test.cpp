#include "kernels/reference/normalize.h"

#include <doctest/doctest.h>

#include "kernels/philox.h"
#include "tests/support/compare.h"

namespace thaw::test {
namespace {

// Three channels of pixels, or more that are filled with zeros; vectors and not.
constexpr Extent padded[] = {{1, 1, 1, 3},    {2, 5, 7, 3, 2},   {2, 5, 4, 4},   {2, 32, 32, 8},
                             {2, 3, 3, 8, 4}, {5, 33, 31, 3, 1}, {2, 5, 7, 4, 2}};

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("normalize_u8: mean, std, flip, padded channels") {
    for (const Device& device : devices()) {
      for (const Index channels : {1, 3}) {
        for (const Extent& e : padded) {
          for (const bool flipped : {false, true}) {
            INFO(device.text(), ", channels ", channels, " in ", e.text(), ", flip ", flipped);
            std::vector<std::uint8_t> pixels(static_cast<std::size_t>(e.n * e.h * e.w * channels));
            PhiloxStream stream(1, Purpose::test, 0, 0);
            for (auto& p : pixels) p = static_cast<std::uint8_t>(stream.below(256));
            const Doubles mean = random_values(3, 2, DType::f32, 0.3, 0.6),
                          std = random_values(3, 3, DType::f32, 0.2, 0.3);
            std::vector<std::uint8_t> flip(static_cast<std::size_t>(e.n));
            for (std::size_t i = 1; i < flip.size(); i += 2) flip[i] = 1;
            Values expected(e), size = expected;
            reference::normalize_u8<double>(pixels.data(), channels, mean.data(), std.data(),
                                            flipped ? flip.data() : nullptr, expected.image());
            for (double& v : size.v) v = 8.0;  // (1 + 0.6) / 0.2: the parts of the difference
            const Array<std::uint8_t> x(device.backend, pixels), mirrored(device.backend, flip);
            const Array<float> m(device.backend, floats(mean)), s(device.backend, floats(std));
            const Activations y(device, e);
            device.backend(NormalizeU8{.x = x.data(),
                                       .channels = channels,
                                       .mean = m.data(),
                                       .std = s.data(),
                                       .flip = flipped ? mirrored.data() : nullptr,
                                       .y = y.view()});
            CHECK(mismatch(y.host().v, expected.v, sum_bounds(expected.v, size.v, 4, device.type)) == "");
            CHECK(y.outside_untouched());
            const Values got = y.host();
            Index filled = 0;
            for (Index i = 0; i < e.n * e.h * e.w * e.c; ++i)
              filled += i % e.c >= channels && got.v[static_cast<std::size_t>(i)] != 0.0;
            CHECK(filled == 0);
          }
        }
      }
    }
  }

  TEST_CASE("normalize_u8: a flipped row by hand") {
    const std::uint8_t pixels[] = {0, 255, 51};
    const double mean = 0.2, std = 0.5;
    const std::uint8_t flip = 1;
    Values y(1, 1, 3, 1);
    reference::normalize_u8<double>(pixels, 1, &mean, &std, &flip, y.image());
    CHECK(y.v[0] == doctest::Approx(0.0));
    CHECK(y.v[1] == doctest::Approx(1.6));
    CHECK(y.v[2] == doctest::Approx(-0.4));
  }
}

}  // namespace thaw::test
