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

template <>
void run(const Queue& queue, const BinaryCrossEntropyWithLogits& op, Workspace) {
  if (op.n > 0)
    launch(queue, op.name, binary_kernel, dim3(grid_for(queue, op.n * 32)), op.n, op.k, op.logits, op.targets,
           op.weights, op.normalizer, op.row_loss, op.dlogits);
  mean_loss(queue, op.name, op.n, op.row_loss, op.normalizer, op.loss);
}

}  // namespace thaw::cuda
