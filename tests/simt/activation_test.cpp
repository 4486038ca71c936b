// ReLU and the copies, as CUDA runs them, against plain loops: packed and pitched, aligned and not, f32 and
// bf16.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/cuda/ops.h"
#include "tests/simt/support.h"

namespace thaw::simt_test {
namespace {

struct Shape {
  std::int64_t n, h, w, c, pitch;
  std::size_t elements() const { return static_cast<std::size_t>(n * h * w * pitch); }
};

// 3 * 37 * 41 * 8 values are more than one pass of the emulator's grid, so the loop strides.
const Shape shapes[] = {{1, 1, 1, 1, 1},    {2, 3, 5, 7, 7},    {2, 3, 5, 8, 8},
                        {2, 3, 5, 8, 24},   {1, 4, 4, 5, 9},    {3, 37, 41, 8, 8},
                        {3, 37, 41, 8, 16}, {3, 37, 41, 3, 11}, {1, 1, 3, 1000, 1000}};

// Checks f against `expected(i)` inside the view, and that nothing was written between the pixels.
template <class T, class Expected>
void check_view(const std::vector<T>& got, const std::vector<T>& before, const Shape& s, Expected expected) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool inside = static_cast<std::int64_t>(i) % s.pitch < s.c;
    const T want = inside ? expected(i) : before[i];
    const bool both_nan = std::isnan(static_cast<float>(got[i])) && std::isnan(static_cast<float>(want));
    if (!both_nan && std::memcmp(&got[i], &want, sizeof want) != 0) ++wrong;
  }
  CHECK(wrong == 0);
}

template <class T>
void check_relu(const Shape& s) {
  CAPTURE(s.c);
  CAPTURE(s.pitch);
  const TestQueue q;
  auto x = random_values<T>(s.elements(), 1);
  x[0] = T(std::numeric_limits<float>::quiet_NaN());
  const auto dy = random_values<T>(s.elements(), 2), canvas = random_values<T>(s.elements(), 3);
  const DeviceArray<T> dev_x(q, x), dev_dy(q, dy), dev_y(q, canvas), dev_dx(q, canvas);
  const auto view = [&](const DeviceArray<T>& a) { return view_of(a, s.n, s.h, s.w, s.c, s.pitch); };

  cuda::run(q.queue, ReluForward{.x = view(dev_x), .y = view(dev_y)});
  cuda::run(q.queue, ReluBackward{.dy = view(dev_dy), .y = view(dev_y), .dx = view(dev_dx)});
  const auto y = dev_y.host();
  check_view(y, canvas, s, [&](std::size_t i) { return static_cast<float>(x[i]) <= 0 ? T(0.0f) : x[i]; });
  check_view(dev_dx.host(), canvas, s,
             [&](std::size_t i) { return static_cast<float>(y[i]) > 0 ? dy[i] : T(0.0f); });

  cuda::run(q.queue, ReluForward{.x = view(dev_x), .y = view(dev_x)});  // in place
  check_view(dev_x.host(), x, s,
             [&](std::size_t i) { return static_cast<float>(x[i]) <= 0 ? T(0.0f) : x[i]; });
  CHECK(::simt::take_fault() == "");
}

template <class From, class To>
void check_copy(const Shape& s) {
  CAPTURE(s.c);
  const TestQueue q;
  const auto x = random_values<From>(s.elements(), 4);
  const auto canvas = random_values<To>(s.elements(), 5);
  const DeviceArray<From> dev_x(q, x);
  const DeviceArray<To> dev_y(q, canvas), dev_sum(q, canvas);
  const View from = view_of(dev_x, s.n, s.h, s.w, s.c, s.pitch);
  cuda::run(q.queue, Copy{.x = from, .y = view_of(dev_y, s.n, s.h, s.w, s.c, s.pitch)});
  cuda::run(q.queue, Copy{.x = from, .y = view_of(dev_sum, s.n, s.h, s.w, s.c, s.pitch), .into = Into::add});
  check_view(dev_y.host(), canvas, s, [&](std::size_t i) { return To(static_cast<float>(x[i])); });
  check_view(dev_sum.host(), canvas, s,
             [&](std::size_t i) { return To(static_cast<float>(x[i]) + static_cast<float>(canvas[i])); });
  CHECK(::simt::take_fault() == "");
}

TEST_CASE("relu forward and backward equal plain loops, bit for bit") {
  for (const Shape& s : shapes) {
    check_relu<float>(s);
    check_relu<bf16>(s);
  }
}

TEST_CASE("copy casts, packs and adds as plain loops do, bit for bit") {
  for (const Shape& s : shapes) {
    check_copy<float, float>(s);
    check_copy<float, bf16>(s);
    check_copy<bf16, float>(s);
    check_copy<bf16, bf16>(s);
  }
}

TEST_CASE("relu is the same under every schedule") {
  for (const auto order : {::simt::Order::reverse, ::simt::Order::random}) {
    ::simt::set_order(order, 7);
    check_relu<float>(shapes[6]);
  }
  ::simt::set_order(::simt::Order::forward);
}

TEST_CASE("a slice of a wider buffer may end with the buffer") {
  const TestQueue q;
  const auto x = random_values<float>(4 * 24, 6);
  const DeviceArray<float> dev(q, x);
  View slice = view_of(dev, 1, 2, 2, 8, 24);
  slice.data = dev.data() + 16;
  cuda::run(q.queue, ReluForward{.x = slice, .y = slice});
  CHECK(::simt::take_fault() == "");
}

}  // namespace
}  // namespace thaw::simt_test
