#include "tools/report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/report/svg.h"

namespace thaw {

Axis Axis::over(double least, double most) {
  Axis axis;
  // What hardly moves must not look as if it did.
  const double range = std::max({most - least, 0.05 * std::abs(most), 1e-12});
  axis.step = nice_step(range, 5);
  axis.low = std::max(0.0, std::floor(least / axis.step - 0.1) * axis.step);
  axis.high = std::ceil((axis.low + range) / axis.step - 0.1) * axis.step;
  while (axis.high < most) axis.high += axis.step;
  return axis;
}

int Axis::ticks() const {
  return static_cast<int>((high - low) / step + 1e-6) + 1;
}

std::string Axis::text(int i, double unit) const {
  const double largest = unit * std::max(std::abs(low), std::abs(high));
  if (largest < 1e-3 || largest >= 1e6) return fmt::format("{:.3g}", unit * tick(i));
  const int digits = std::max(0, static_cast<int>(-std::floor(std::log10(step * unit) + 1e-9)));
  return fmt::format("{:.{}f}", unit * tick(i), digits);
}

}  // namespace thaw
