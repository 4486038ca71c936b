#include "optim/range_test.h"

#include <algorithm>
#include <cmath>

namespace thaw {

double RangeTest::rate(std::size_t i) {
  constexpr double first = 1e-5, last = 10;
  return first * std::pow(last / first, static_cast<double>(i) / static_cast<double>(steps - 1));
}

bool RangeTest::add(double step_loss) {
  if (!std::isfinite(step_loss)) return false;
  constexpr double beta = 0.9;
  average_ = beta * average_ + (1 - beta) * step_loss;
  lr.push_back(rate(lr.size()));
  loss.push_back(average_ / (1 - std::pow(beta, static_cast<double>(lr.size()))));
  return loss.size() < steps && loss.back() <= 4 * *std::min_element(loss.begin(), loss.end());
}

bool RangeTest::choose(double otherwise) {
  constexpr std::size_t start = steps / 10;
  chosen = otherwise;
  if (loss.size() <= start) return false;
  const auto least = std::min_element(loss.begin() + start, loss.end());
  if (*least > 0.95 * loss[start - 1]) return false;
  chosen = lr[static_cast<std::size_t>(least - loss.begin())] / 3;
  found = true;
  return true;
}

}  // namespace thaw
