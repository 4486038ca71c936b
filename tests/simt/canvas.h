// Activations of one test on the emulated device, beside the same values in double for the reference's loops.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/cuda/ops.h"
#include "kernels/reference/image.h"
#include "tests/simt/support.h"

namespace thaw::simt_test {

using Index = std::int64_t;

// What a test runs over. `pitch` >= c.
struct Extent {
  Index n, h, w, c, pitch;
  Index pixels() const { return n * h * w; }
  std::size_t elements() const { return static_cast<std::size_t>(pixels() * pitch); }
  std::string text() const {
    return std::to_string(n) + "x" + std::to_string(h) + "x" + std::to_string(w) + "x" + std::to_string(c) +
           " pitch " + std::to_string(pitch);
  }
};

inline std::vector<double> doubles(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

// Random activations of type T; `offset` shifts them, `elements` of slack makes the base address odd.
template <class T>
class Canvas {
 public:
  Canvas(const TestQueue& queue, const Extent& e, std::uint64_t seed, float offset = 0.0f, Index slack = 0)
      : extent_(e), slack_(slack), before_(values(e, seed, offset, slack)), device_(queue, before_) {
    for (const T v : before_) reference_.push_back(static_cast<double>(static_cast<float>(v)));
  }

  View view() const {
    View v = view_of(device_, extent_.n, extent_.h, extent_.w, extent_.c, extent_.pitch);
    v.data = device_.data() + slack_;
    return v;
  }
  reference::Image<double> image() {
    return {reference_.data() + slack_, extent_.n, extent_.h, extent_.w, extent_.c, extent_.pitch};
  }
  const std::vector<T>& before() const { return before_; }
  std::vector<T> host() const { return device_.host(); }

  // "" if the device holds what image() says, within `tolerance` of its size (at least of 1) plus T's
  // rounding, and has left alone what lies between the pixels.
  std::string mismatch(double tolerance) const {
    const std::vector<T> got = device_.host();
    const double rounding = sizeof(T) == 2 ? 0x1p-8 : 0x1p-24;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto value = static_cast<double>(static_cast<float>(got[i]));
      const Index at = static_cast<Index>(i) - slack_;
      const bool inside = at >= 0 && at % extent_.pitch < extent_.c;
      const double want = inside ? reference_[i] : static_cast<double>(static_cast<float>(before_[i]));
      const double bound =
          inside ? tolerance * std::max(1.0, std::abs(want)) + rounding * std::abs(want) : 0.0;
      const bool equal =
          std::isnan(want) ? std::isnan(value) : value == want || std::abs(value - want) <= bound;
      if (!equal)
        return "element " + std::to_string(at) + (inside ? "" : " between pixels") + " of " + extent_.text() +
               ": " + std::to_string(value) + ", expected " + std::to_string(want);
    }
    return "";
  }

 private:
  static std::vector<T> values(const Extent& e, std::uint64_t seed, float offset, Index slack) {
    std::vector<T> v = random_values<T>(e.elements() + static_cast<std::size_t>(slack), seed);
    for (T& value : v) value = T(static_cast<float>(value) + offset);
    return v;
  }

  Extent extent_;
  Index slack_;
  std::vector<T> before_;
  DeviceArray<T> device_;
  std::vector<double> reference_;
};

// "" if `got` is `want` within tolerance * max(1, |want|).
inline std::string mismatch(const std::vector<float>& got, const std::vector<double>& want,
                            double tolerance) {
  for (std::size_t i = 0; i < want.size(); ++i) {
    const auto value = static_cast<double>(got.at(i));
    const double bound = tolerance * std::max(1.0, std::abs(want[i]));
    if (std::isnan(want[i]) ? std::isnan(value) : value == want[i] || std::abs(value - want[i]) <= bound)
      continue;
    return "element " + std::to_string(i) + ": " + std::to_string(value) + ", expected " +
           std::to_string(want[i]);
  }
  return got.size() == want.size() ? "" : "sizes differ";
}

// Calls f under the schedule of the environment and under one random schedule.
template <class F>
void under_schedules(F f) {
  f();
  ::simt::set_order(::simt::Order::random, 11);
  f();
  ::simt::use_environment();
}

// A workspace of the size that `op` asks for, filled with NaN.
class TestWorkspace {
 public:
  template <class Op>
  TestWorkspace(const TestQueue& queue, const Op& op)
      : bytes_(cuda::workspace_bytes(queue.queue, op)), memory_(queue, bytes_) {}
  cuda::Workspace get() const { return {memory_.data(), bytes_}; }

 private:
  std::size_t bytes_;
  DeviceArray<std::uint8_t> memory_;
};

}  // namespace thaw::simt_test
