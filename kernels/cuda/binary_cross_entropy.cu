#include "kernels/cuda/losses.h"

namespace thaw::cuda {
namespace {

__global__ void __launch_bounds__(block_threads)
    binary_kernel(std::int64_t n, std::int64_t classes, const float* logits, const float* targets,
                  const float* weights, const float* normalizer, float* row_loss, float* dlogits) {
  const unsigned lane = threadIdx.x % 32;
  const float share = 1.0f / normalizer[0];
  const std::int64_t step = std::int64_t{gridDim.x} * (block_threads / 32);
  for (std::int64_t row = std::int64_t{blockIdx.x} * (block_threads / 32) + threadIdx.x / 32; row < n;
       row += step) {
    double value = 0.0;
    for (std::int64_t i = row * classes + lane; i < (row + 1) * classes; i += 32) {
      const float z = logits[i], t = targets[i], w = weights != nullptr ? weights[i] : 1.0f;
      const float small = expf(-fabsf(z));  // never overflows
      value += static_cast<double>(w * ((z < 0.0f ? 0.0f : z) - z * t + log1pf(small)));
      if (dlogits != nullptr) dlogits[i] = w * ((z < 0.0f ? small : 1.0f) / (1.0f + small) - t) * share;
    }
    value = warp_sum(value);
    if (lane == 0) row_loss[row] = static_cast<float>(value);
  }
}

}  // namespace

void binary_cross_entropy_with_logits(const Queue& queue, std::int64_t n, std::int64_t k, const float* logits,
                                      const float* targets, const float* weights, const float* normalizer,
                                      float* row_loss, float* loss, float* dlogits) {
  const char* op = "binary_cross_entropy_with_logits";
  if (n > 0)
    launch(queue, op, binary_kernel, dim3(grid_for(queue, n * 32)), n, k, logits, targets, weights,
           normalizer, row_loss, dlogits);
  mean_loss(queue, op, n, row_loss, normalizer, loss);
}

}  // namespace thaw::cuda
