// What is to happen now and then, and no more often.
#pragma once

#include <chrono>

namespace thaw {

class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Pace(std::chrono::steady_clock::duration period, Time now) : period_(period), last_(now) {}

  // Whether a period is over since the last time that this was so, or since `restart`; that ends the period.
  bool due(Time now) {
    if (now - last_ < period_) return false;
    last_ = now;
    return true;
  }
  void restart(Time now) { last_ = now; }

 private:
  std::chrono::steady_clock::duration period_;
  Time last_;
};

}  // namespace thaw
