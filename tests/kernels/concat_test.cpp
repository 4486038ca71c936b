#include <doctest/doctest.h>

#include <limits>

#include "tests/support/compare.h"

namespace thaw::test {

TEST_SUITE("kernels") {
  TEST_CASE("copy: packs, spreads, casts; assigns or adds") {
    for (const Device& from : devices()) {
      for (const DType to_type : {DType::f32, DType::bf16}) {
        if (!from.backend.supports(to_type)) continue;
        const Device to{from.backend, to_type};
        for (const Extent& e : extents) {
          for (const bool packed : {false, true}) {  // in or out, the other is the slice
            for (const Into into : {Into::assign, Into::add}) {
              INFO(from.text(), " -> ", std::string(dtype_name(to_type)), ", ", e.text(), ", packed ", packed,
                   ", add ", into == Into::add);
              Values x = random_image(e, 1, from.type), expected = x;
              for (double& v : expected.v)
                v = rounded(into == Into::add ? v + Activations::prefill : v, to_type);
              const Activations in(from, x, packed ? 0 : e.gap),
                  out(to, e.n, e.h, e.w, e.c, packed ? e.gap : 0);
              from.backend(Copy{.x = in.view(), .y = out.view(), .into = into});
              CHECK(mismatch(out.host().v, expected.v) == "");
              CHECK(out.outside_untouched());
            }
          }
        }
      }
    }
  }

  TEST_CASE("copy: f32 to bf16 rounds to nearest even; NaN and infinity stay") {
    for (const auto& backend : backends()) {
      if (!backend->supports(DType::bf16)) continue;
      INFO(backend->name());
      Values x(1, 1, 1, 6), expected = x;
      // 1 + 2^-8 lies midway between 1 and 1 + 2^-7; 1 + 3 * 2^-8 midway between odd 1 + 2^-7 and even 1 +
      // 2^-6.
      x.v = {1.0 + 0x1p-8,
             1.0 + 0x3p-8,
             1.0 + 0x1p-8 + 0x1p-20,
             std::numeric_limits<double>::quiet_NaN(),
             -std::numeric_limits<double>::infinity(),
             3.4e38};
      expected.v = {1.0,
                    1.0 + 0x1p-6,
                    1.0 + 0x1p-7,
                    std::numeric_limits<double>::quiet_NaN(),
                    -std::numeric_limits<double>::infinity(),
                    std::numeric_limits<double>::infinity()};
      const Activations in({*backend, DType::f32}, x), out({*backend, DType::bf16}, 1, 1, 1, 6);
      (*backend)(Copy{.x = in.view(), .y = out.view()});
      CHECK(mismatch(out.host().v, expected.v) == "");
    }
  }

  TEST_CASE("copy: a concatenation of channel slices") {
    for (const Device& device : devices()) {
      INFO(device.text());
      const Values a = random_image(2, 3, 3, 12, 1, device.type),
                   b = random_image(2, 3, 3, 5, 2, device.type);
      const Activations left(device, a), right(device, b), all(device, 2, 3, 3, 17);
      View first = all.view(), second = all.view();
      first.c = 12;
      second.c = 5;
      second.data = static_cast<char*>(second.data) + 12 * item_size(device.type);
      device.backend(Copy{.x = right.view(), .y = second});
      device.backend(Copy{.x = left.view(), .y = first});
      Values expected(2, 3, 3, 17);
      for (Index p = 0; p < 18; ++p) {
        for (Index c = 0; c < 17; ++c) {
          expected.v[static_cast<std::size_t>(p * 17 + c)] =
              c < 12 ? a.v[static_cast<std::size_t>(p * 12 + c)]
                     : b.v[static_cast<std::size_t>(p * 5 + c - 12)];
        }
      }
      CHECK(mismatch(all.host().v, expected.v) == "");
    }
  }
}

}  // namespace thaw::test
