#include "kernels/reference/linear.h"

#include <doctest/doctest.h>

#include "tests/support/compare.h"

namespace thaw::test {
namespace {

struct Case {
  Index n, in, out, gap;
};
constexpr Case cases[] = {{1, 17, 3, 0}, {5, 64, 10, 0}, {33, 130, 17, 0}, {4, 12, 7, 3}};

Values rows(Index n, Index count, std::uint64_t seed, DType type) {
  return random_image(n, 1, 1, count, seed, type);
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("linear_forward: with and without bias") {
    for (const Device& device : devices()) {
      for (const Case& k : cases) {
        for (const bool with_bias : {false, true}) {
          INFO(device.text(), ", ", k.n, " x ", k.in, " -> ", k.out, ", bias ", with_bias);
          const Values x = rows(k.n, k.in, 1, device.type), x_size = absolute(x);
          const Doubles w = random_values(k.in * k.out, 2, device.type), w_size = absolute(w);
          const Doubles b = random_values(k.out, 3, DType::f32), b_size = absolute(b);
          Values expected(k.n, 1, 1, k.out), magnitude = expected;
          reference::linear_forward<double>(x.image(), w.data(), with_bias ? b.data() : nullptr,
                                            expected.image());
          reference::linear_forward<double>(x_size.image(), w_size.data(),
                                            with_bias ? b_size.data() : nullptr, magnitude.image());
          const Activations dx(device, x, k.gap), y(device, k.n, 1, 1, k.out, k.gap);
          const DeviceWeights weight(device, w);
          const Array<float> bias(device.backend, floats(b));
          device.backend(LinearForward{.x = dx.view(),
                                       .weight = weight.weights(),
                                       .bias = with_bias ? bias.data() : nullptr,
                                       .y = y.view()});
          const Doubles bounds =
              sum_bounds(expected.v, magnitude.v, static_cast<double>(k.in + 1), device.type);
          CHECK(mismatch(y.host().v, expected.v, bounds) == "");
          CHECK(y.outside_untouched());
        }
      }
    }
  }

  TEST_CASE("linear_backward_data") {
    for (const Device& device : devices()) {
      for (const Case& k : cases) {
        INFO(device.text(), ", ", k.n, " x ", k.in, " -> ", k.out);
        const Values dy = rows(k.n, k.out, 1, device.type), dy_size = absolute(dy);
        const Doubles w = random_values(k.in * k.out, 2, device.type), w_size = absolute(w);
        Values expected(k.n, 1, 1, k.in), magnitude = expected;
        reference::linear_backward_data<double>(dy.image(), w.data(), expected.image());
        reference::linear_backward_data<double>(dy_size.image(), w_size.data(), magnitude.image());
        const Activations gradient(device, dy, k.gap), dx(device, k.n, 1, 1, k.in, k.gap);
        const DeviceWeights weight(device, w);
        device.backend(
            LinearBackwardData{.dy = gradient.view(), .weight = weight.weights(), .dx = dx.view()});
        const Doubles bounds = sum_bounds(expected.v, magnitude.v, static_cast<double>(k.out), device.type);
        CHECK(mismatch(dx.host().v, expected.v, bounds) == "");
        CHECK(dx.outside_untouched());
      }
    }
  }

  TEST_CASE("linear_backward_weight assigns or adds") {
    for (const Device& device : devices()) {
      for (const Case& k : cases) {
        for (const Into into : {Into::assign, Into::add}) {
          INFO(device.text(), ", ", k.n, " x ", k.in, " -> ", k.out, ", add ", into == Into::add);
          const Values x = rows(k.n, k.in, 1, device.type), x_size = absolute(x);
          const Values dy = rows(k.n, k.out, 2, device.type), dy_size = absolute(dy);
          Doubles expected(static_cast<std::size_t>(k.in * k.out), 8.0), magnitude = expected;
          reference::linear_backward_weight<double>(x.image(), dy.image(), expected.data(), into);
          reference::linear_backward_weight<double>(x_size.image(), dy_size.image(), magnitude.data(), into);
          const Activations on_device(device, x, k.gap), gradient(device, dy, k.gap);
          const Array<float> dweight(device.backend, std::vector<float>(expected.size(), 8.0f));
          device.backend(LinearBackwardWeight{
              .x = on_device.view(), .dy = gradient.view(), .dweight = dweight.data(), .into = into});
          const Doubles bounds = sum_bounds(expected, magnitude, static_cast<double>(k.n + 1), DType::f32);
          CHECK(mismatch(doubles(dweight.host()), expected, bounds) == "");
        }
      }
    }
  }
}

}  // namespace thaw::test
