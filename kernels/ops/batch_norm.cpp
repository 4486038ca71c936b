#include "kernels/ops/batch_norm.h"

namespace thaw::checks {

void unbiased(const char* op, std::int64_t pixels) {
  if (pixels < 2)
    refuse(op, "running statistics of " + std::to_string(pixels) +
                   " values per channel; an unbiased variance needs two, use a larger batch");
}

}  // namespace thaw::checks
