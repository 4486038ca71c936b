// Comparison with the oracle. Bounds come from the arithmetic, so that a wrong term cannot hide in them.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/values.h"

namespace thaw::test {

// Half a unit in the last place, relative: what rounding to `type` may change.
double epsilon(DType type);

// For a sum of `terms` terms made in f32 and stored in `type`: sqrt(terms) * 2^-24 * magnitude +
// epsilon(type) * |expected|. magnitude is the sum of the terms' absolute values: each f32 addition errs by
// at most 2^-24 of the partial sum, and errors of either sign grow as the square root of their number.
Doubles sum_bounds(const Doubles& expected, const Doubles& magnitude, double terms, DType type);

// Empty if |actual - expected| <= bound everywhere (equal NaN and infinity agree); else the first mismatch in
// words.
std::string mismatch(const Doubles& actual, const Doubles& expected, const Doubles& bounds);
std::string mismatch(const Doubles& actual, const Doubles& expected);  // equal

// The gradient of a scalar function `f` at `x` against central differences along random directions, in
// double. A direction along which `f` has a kink is left out: there the differences of the two halves
// disagree. Empty if all agree; else the first mismatch, or that no direction was smooth.
template <class F>
std::string gradient_mismatch(const F& f, const Doubles& x, const Doubles& gradient, std::uint64_t seed) {
  if (x.size() != gradient.size()) return "the gradient has another size";
  constexpr double step = 1e-5;
  const auto count = static_cast<Index>(x.size());
  int smooth = 0;
  for (std::uint64_t trial = 0; trial < 16 && smooth < 4; ++trial) {
    const Doubles direction = random_values(count, seed * 1000 + trial, DType::f32);
    const auto moved = [&](double by) {
      Doubles at = x;
      for (std::size_t i = 0; i < at.size(); ++i) at[i] += by * direction[i];
      return f(at);
    };
    const double here = f(x), ahead = moved(step), behind = moved(-step);
    double expected = 0.0, scale = std::abs(here) + 1.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      expected += gradient[i] * direction[i];
      scale += std::abs(gradient[i] * direction[i]);
    }
    // A kink makes the two one-sided slopes differ by a part of the slope itself, curvature only by about
    // `step`.
    const double right = (ahead - here) / step, left = (here - behind) / step;
    if (std::abs(right - left) > 1e-3 * scale) continue;
    ++smooth;
    // The differences lose 2^-53 * |f| / step = 1e-11 to rounding and step^2 = 1e-10 to the third derivative.
    const double slope = (ahead - behind) / (2.0 * step);
    if (!(std::abs(slope - expected) <= 1e-8 * scale))
      return "direction " + std::to_string(trial) + ": slope " + std::to_string(slope) + ", gradient gives " +
             std::to_string(expected);
  }
  return smooth == 4 ? "" : "only " + std::to_string(smooth) + " directions without a kink";
}

}  // namespace thaw::test
