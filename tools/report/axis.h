// The axis of a chart: which values it spans, in steps that people count in.
#pragma once

#include <string>

namespace thaw {

struct Axis {
  double low = 0, high = 1, step = 0.2;

  // Holds least ... most, both at least 0, with some room; a range that is next to nothing gets a wider axis.
  static Axis over(double least, double most);

  // Where `value` lies between the places of low and high.
  double place(double value, double at_low, double at_high) const {
    return at_low + (at_high - at_low) * (value - low) / (high - low);
  }
  int ticks() const;  // at low, low + step, ...
  double tick(int i) const { return low + i * step; }
  // The text of a tick, `unit` times its value, with the digits that the steps need.
  std::string text(int i, double unit = 1) const;
};

}  // namespace thaw
