#include "kernels/reference/pool2d.h"

#include <doctest/doctest.h>

#include <cmath>
#include <iterator>
#include <limits>

#include "tests/support/compare.h"

namespace thaw::test {
namespace {

struct Case {
  std::string what;
  Pool2dSpec spec;
  Index n, h, w, c, gap;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"2x2", {}, 2, 6, 8, 17, 0},
      {"2x2 slices", {}, 2, 7, 5, 12, 3},
      {"3x3 stride 2 padding 1", {.kernel = 3, .stride = 2, .padding = 1}, 1, 9, 8, 64, 0},
      {"3x3 ceil", {.kernel = 3, .stride = 2, .padding = 0, .ceil_mode = true}, 2, 6, 8, 3, 0},
      {"3x3 ceil padding", {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true}, 2, 6, 7, 17, 2},
      {"without padding in the divisor",
       {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false},
       2,
       6,
       7,
       12,
       0},
      {"an aligned slice", {.kernel = 3, .stride = 2, .padding = 1}, 1, 8, 6, 16, 8},
      {"15x15", {.kernel = 15, .stride = 1}, 1, 16, 15, 3, 0},
      {"15x15 apart", {.kernel = 15, .stride = 15}, 1, 15, 31, 3, 1},
      {"stride above kernel", {.kernel = 2, .stride = 3}, 1, 8, 9, 5, 1},
      {"padding without ceil",
       {.kernel = 5, .stride = 1, .padding = 2, .count_include_pad = false},
       1,
       4,
       5,
       8,
       0},
      {"several tiles of channels", {}, 1, 2, 4, 520, 0},
      {"more than one pass of the grid", {.kernel = 3, .stride = 2, .padding = 1}, 3, 61, 63, 8, 0},
  };
  return all;
}

Values output(const Case& k) {
  return Values(k.n, k.spec.out_size(k.h), k.spec.out_size(k.w), k.c);
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("max_pool2d: values, winners and gradient") {
    for (const Device& device : devices()) {
      for (const Case& k : cases()) {
        INFO(device.text(), ", ", k.what);
        const Values x = random_image(k.n, k.h, k.w, k.c, 1, device.type);
        Values y = output(k);
        std::vector<std::uint8_t> index(y.v.size());
        reference::max_pool2d_forward<double>(k.spec, x.image(), y.image(), index.data());
        const Activations in(device, x, k.gap), out(device, y.n, y.h, y.w, y.c, k.gap);
        const Activations without(device, y.n, y.h, y.w, y.c, k.gap);
        // On a vector's boundary, or a byte beside it.
        const auto beside = static_cast<std::size_t>(k.gap % 2);
        const Array<std::uint8_t> winners(device.backend,
                                          std::vector<std::uint8_t>(y.v.size() + beside, 0xff));
        device.backend(MaxPool2dForward{
            .spec = k.spec, .x = in.view(), .y = out.view(), .index = winners.data() + beside});
        device.backend(MaxPool2dForward{.spec = k.spec, .x = in.view(), .y = without.view()});
        CHECK(mismatch(out.host().v, y.v) == "");
        CHECK(mismatch(without.host().v, y.v) == "");
        CHECK(out.outside_untouched());
        std::vector<std::uint8_t> expected_winners = index;
        expected_winners.insert(expected_winners.begin(), beside, 0xff);
        CHECK(winners.host() == expected_winners);

        const Values dy = random_image(y.n, y.h, y.w, y.c, 2, device.type), dy_size = absolute(dy);
        Values expected = x, magnitude = x;
        reference::max_pool2d_backward<double>(k.spec, dy.image(), index.data(), expected.image());
        reference::max_pool2d_backward<double>(k.spec, dy_size.image(), index.data(), magnitude.image());
        const Activations gradient(device, dy, k.gap), dx(device, k.n, k.h, k.w, k.c, k.gap);
        device.backend(MaxPool2dBackward{
            .spec = k.spec, .dy = gradient.view(), .index = winners.data() + beside, .dx = dx.view()});
        const auto terms = static_cast<double>(k.spec.kernel * k.spec.kernel);
        CHECK(mismatch(dx.host().v, expected.v, sum_bounds(expected.v, magnitude.v, terms, device.type)) ==
              "");
        CHECK(dx.outside_untouched());
      }
    }
  }

  TEST_CASE("max_pool2d: the first of equals wins, the last NaN wins over infinity, -inf over padding") {
    const Pool2dSpec spec{.kernel = 3, .stride = 2, .padding = 1};
    for (const Device& device : devices()) {
      INFO(device.text());
      Values x(1, 4, 4, 17);
      for (double& v : x.v) v = 1.0;
      for (Index y = 0; y < 4; ++y) {
        for (Index column = 0; column < 4; ++column) {
          x.at(0, y, column, 3) = -std::numeric_limits<double>::infinity();
        }
      }
      x.at(0, 1, 1, 5) = x.at(0, 0, 1, 5) = std::numeric_limits<double>::quiet_NaN();
      x.at(0, 0, 0, 5) = std::numeric_limits<double>::infinity();
      const Activations in(device, x), out(device, 1, 2, 2, 17);
      const Array<std::uint8_t> winners(device.backend, std::vector<std::uint8_t>(4 * 17, 0xff));
      device.backend(
          MaxPool2dForward{.spec = spec, .x = in.view(), .y = out.view(), .index = winners.data()});
      const std::vector<std::uint8_t> index = winners.host();
      const Values y = out.host();
      CHECK(int{index[0]} == 4);       // the corner window's first input is its centre
      CHECK(int{index[17]} == 3);      // top right: one row of padding above
      CHECK(int{index[2 * 17]} == 1);  // bottom left: one column of padding
      CHECK(int{index[3 * 17]} == 0);
      CHECK(y.v[3] == -std::numeric_limits<double>::infinity());
      CHECK(int{index[3]} == 4);
      for (std::size_t p = 0; p < 4; ++p) CHECK(std::isnan(y.v[p * 17 + 5]));
      CHECK(int{index[5]} == 8);
      CHECK(int{index[3 * 17 + 5]} == 0);
    }
  }

  TEST_CASE("avg_pool2d: forward and backward") {
    for (const Device& device : devices()) {
      for (const Case& k : cases()) {
        INFO(device.text(), ", ", k.what);
        const Values x = random_image(k.n, k.h, k.w, k.c, 1, device.type), x_size = absolute(x);
        Values y = output(k), y_size = y;
        reference::avg_pool2d_forward<double>(k.spec, x.image(), y.image());
        reference::avg_pool2d_forward<double>(k.spec, x_size.image(), y_size.image());
        const Activations in(device, x, k.gap), out(device, y.n, y.h, y.w, y.c, k.gap);
        device.backend(AvgPool2dForward{.spec = k.spec, .x = in.view(), .y = out.view()});
        const auto terms = static_cast<double>(k.spec.kernel * k.spec.kernel + 1);
        CHECK(mismatch(out.host().v, y.v, sum_bounds(y.v, y_size.v, terms, device.type)) == "");
        CHECK(out.outside_untouched());

        const Values dy = random_image(y.n, y.h, y.w, y.c, 2, device.type), dy_size = absolute(dy);
        Values expected = x, magnitude = x;
        reference::avg_pool2d_backward<double>(k.spec, dy.image(), expected.image());
        reference::avg_pool2d_backward<double>(k.spec, dy_size.image(), magnitude.image());
        const Activations gradient(device, dy, k.gap), dx(device, k.n, k.h, k.w, k.c, k.gap);
        device.backend(AvgPool2dBackward{.spec = k.spec, .dy = gradient.view(), .dx = dx.view()});
        CHECK(mismatch(dx.host().v, expected.v, sum_bounds(expected.v, magnitude.v, terms, device.type)) ==
              "");
        CHECK(dx.outside_untouched());
      }
    }
  }

  TEST_CASE("avg_pool2d: PyTorch's divisors, by hand") {
    // 4 inputs 1, 2, 3, 4 in one row of 2x2; kernel 3, stride 2, padding 1: one window over all of them.
    Values x(1, 2, 2, 1), y(1, 1, 1, 1);
    x.v = {1.0, 2.0, 3.0, 4.0};
    reference::avg_pool2d_forward<double>({.kernel = 3, .stride = 2, .padding = 1}, x.image(), y.image());
    CHECK(y.v[0] == doctest::Approx(10.0 / 9.0));
    reference::avg_pool2d_forward<double>(
        {.kernel = 3, .stride = 2, .padding = 1, .count_include_pad = false}, x.image(), y.image());
    CHECK(y.v[0] == doctest::Approx(10.0 / 4.0));
    // Ceil mode over 3 columns, kernel 2, stride 2: the second window holds one input, and its divisor is 1
    // x 2.
    Values wide(1, 2, 3, 1), out(1, 1, 2, 1);
    wide.v = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
    reference::avg_pool2d_forward<double>({.ceil_mode = true}, wide.image(), out.image());
    CHECK(out.v[1] == doctest::Approx(9.0 / 2.0));
  }

  TEST_CASE("pool2d: windows that could hold no input, or do not move, are errors, as in PyTorch") {
    CHECK(Pool2dSpec{.kernel = 3, .stride = 2, .padding = 1}.out_size(1) == 1);
    CHECK(Pool2dSpec{.kernel = 4, .stride = 4, .padding = 2}.out_size(4) == 2);
    CHECK_THROWS_WITH_AS((Pool2dSpec{.kernel = 3, .stride = 2, .padding = 2}.out_size(8)),
                         "pool2d: kernel 3, stride 2, padding 2; kernel and stride must be at least 1, "
                         "padding 0 to kernel / 2",
                         Error);
    CHECK_THROWS_AS((Pool2dSpec{.kernel = 3, .stride = 0}.out_size(8)), Error);
    CHECK_THROWS_AS((Pool2dSpec{.kernel = 0, .stride = 2}.out_size(8)), Error);
    CHECK_THROWS_AS((Pool2dSpec{.kernel = 3, .stride = 2, .padding = -1}.out_size(8)), Error);
  }

  TEST_CASE("global_avg_pool: forward and backward") {
    std::vector<Extent> all(std::begin(extents), std::end(extents));
    all.push_back({300, 3, 3, 8});  // more pictures than one pass of the emulated grid
    for (const Device& device : devices()) {
      for (const Extent& e : all) {
        INFO(device.text(), ", ", e.text());
        const Values x = random_image(e, 1, device.type), x_size = absolute(x);
        Values y(e.n, 1, 1, e.c), y_size = y, expected = x;
        reference::global_avg_pool_forward<double>(x.image(), y.image());
        reference::global_avg_pool_forward<double>(x_size.image(), y_size.image());
        const Activations in(device, x, e.gap), out(device, e.n, 1, 1, e.c, e.gap);
        device.backend(GlobalAvgPoolForward{.x = in.view(), .y = out.view()});
        const auto terms = static_cast<double>(e.h * e.w + 1);
        CHECK(mismatch(out.host().v, y.v, sum_bounds(y.v, y_size.v, terms, device.type)) == "");
        CHECK(out.outside_untouched());
        const Values dy = random_image(e.n, 1, 1, e.c, 2, device.type);
        reference::global_avg_pool_backward<double>(dy.image(), expected.image());
        const Activations gradient(device, dy, e.gap), dx(device, e);
        device.backend(GlobalAvgPoolBackward{.dy = gradient.view(), .dx = dx.view()});
        CHECK(mismatch(dx.host().v, expected.v,
                       sum_bounds(expected.v, absolute(expected).v, 4, device.type)) == "");
        CHECK(dx.outside_untouched());
      }
    }
  }
}

}  // namespace thaw::test
