#include "kernels/ops/optimizer_step.h"

namespace thaw::checks {

std::int64_t elements(const char* op, const ArenaSegment* segments, std::int64_t count) {
  not_negative(op, "segment_count", count);
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const ArenaSegment& s = segments[i];
    if (s.begin < 0 || s.end < s.begin)
      refuse(op, "segment " + std::to_string(i) + " is [" + std::to_string(s.begin) + ", " +
                     std::to_string(s.end) + "); use 0 <= begin <= end");
    sum += s.end - s.begin;
  }
  return sum;
}

}  // namespace thaw::checks
