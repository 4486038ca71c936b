#include "tests/support/compare.h"

#include <cmath>
#include <cstdio>

namespace thaw::test {

double epsilon(DType type) {
  return type == DType::bf16 ? 0x1p-8 : 0x1p-24;
}

Doubles sum_bounds(const Doubles& expected, const Doubles& magnitude, double terms, DType type) {
  Doubles bounds(expected.size());
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const double sum = std::sqrt(terms) * 0x1p-24 * magnitude[i];
    bounds[i] = sum + epsilon(type) * (std::abs(expected[i]) + sum);
  }
  return bounds;
}

std::string mismatch(const Doubles& actual, const Doubles& expected, const Doubles& bounds) {
  if (actual.size() != expected.size() || actual.size() != bounds.size())
    return std::to_string(actual.size()) + " values where " + std::to_string(expected.size()) +
           " were expected";
  std::size_t wrong = 0, first = 0;
  for (std::size_t i = actual.size(); i-- > 0;) {
    const bool same = actual[i] == expected[i] || (std::isnan(actual[i]) && std::isnan(expected[i]));
    if (same || std::abs(actual[i] - expected[i]) <= bounds[i]) continue;
    ++wrong;
    first = i;
  }
  if (wrong == 0) return "";
  char text[200];
  std::snprintf(text, sizeof text, "%zu of %zu values differ, first at %zu: %.9g, expected %.9g within %.3g",
                wrong, actual.size(), first, actual[first], expected[first], bounds[first]);
  return text;
}

std::string mismatch(const Doubles& actual, const Doubles& expected) {
  return mismatch(actual, expected, Doubles(expected.size(), 0.0));
}

}  // namespace thaw::test
