// What the two losses share. A warp takes a row, so that a row's sums need no shared memory. For .cu files
// only.
#pragma once

#include "kernels/cuda/reduce.h"

namespace thaw::cuda {

// The sum over the warp, the same bits in every lane.
__device__ inline double warp_sum(double value) {
  for (int other = 16; other > 0; other /= 2) value += __shfl_xor_sync(~0u, value, other);
  return value;
}

// loss[0] = sum of row_loss[0..n) / normalizer[0], by one block.
void mean_loss(const Queue& queue, const char* op, std::int64_t n, const float* row_loss,
               const float* normalizer, float* loss);

}  // namespace thaw::cuda
