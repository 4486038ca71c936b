#include "tools/evaluate/wilson_interval.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/error.h"

namespace thaw {

std::pair<double, double> wilson_interval(std::int64_t right, std::int64_t images) {
  if (right < 0 || right > images)
    throw Error(fmt::format("wilson_interval: {} of {}; give 0 <= right <= images", right, images));
  if (images == 0) return {0, 1};
  constexpr double z = 1.959963984540054;  // the normal distribution's 97.5 %
  const auto n = static_cast<double>(images);
  const double p = static_cast<double>(right) / n;
  const double middle = p + z * z / (2 * n), scale = 1 + z * z / n;
  const double reach = z * std::sqrt((p * (1 - p) + z * z / (4 * n)) / n);
  // Rounding must not put an end beyond what can be.
  return {right == 0 ? 0.0 : std::max(0.0, (middle - reach) / scale),
          right == images ? 1.0 : std::min(1.0, (middle + reach) / scale)};
}

}  // namespace thaw
