#include "kernels/cuda/losses.h"

namespace thaw::cuda {
namespace {

__global__ void __launch_bounds__(block_threads)
    softmax_kernel(std::int64_t n, std::int64_t classes, const float* logits, const float* targets,
                   const float* normalizer, float* row_loss, float* dlogits) {
  const unsigned lane = threadIdx.x % 32;
  const std::int64_t step = std::int64_t{gridDim.x} * (block_threads / 32);
  for (std::int64_t row = std::int64_t{blockIdx.x} * (block_threads / 32) + threadIdx.x / 32; row < n;
       row += step) {
    const float *z = logits + row * classes, *t = targets + row * classes;
    float top = z[0];
    for (std::int64_t i = lane; i < classes; i += 32) top = z[i] > top ? z[i] : top;
    for (int other = 16; other > 0; other /= 2) {
      const float theirs = __shfl_xor_sync(~0u, top, other);
      top = theirs > top ? theirs : top;
    }
    double sum = 0.0, mass = 0.0;
    for (std::int64_t i = lane; i < classes; i += 32) {
      sum += static_cast<double>(expf(z[i] - top));
      mass += static_cast<double>(t[i]);
    }
    const double log_sum = log(warp_sum(sum));  // of exp(z - top)
    mass = warp_sum(mass);
    double value = 0.0;
    for (std::int64_t i = lane; i < classes; i += 32)  // a class of no weight adds nothing, even at -inf
      if (t[i] != 0.0f) value += static_cast<double>(t[i]) * (log_sum - static_cast<double>(z[i] - top));
    value = warp_sum(value);
    if (log_sum != log_sum) value = log_sum;
    if (lane == 0) row_loss[row] = static_cast<float>(value);
    if (dlogits == nullptr) continue;
    const auto log_sum_f = static_cast<float>(log_sum), mass_f = static_cast<float>(mass);
    const float share = 1.0f / normalizer[0];
    for (std::int64_t i = lane; i < classes; i += 32)
      dlogits[row * classes + i] = (expf(z[i] - top - log_sum_f) * mass_f - t[i]) * share;
  }
}

}  // namespace

template <>
void run(const Queue& queue, const SoftmaxCrossEntropy& op, Workspace) {
  if (op.n > 0)
    launch(queue, op.name, softmax_kernel, dim3(grid_for(queue, op.n * 32)), op.n, op.k, op.logits,
           op.targets, op.normalizer, op.row_loss, op.dlogits);
  mean_loss(queue, op.name, op.n, op.row_loss, op.normalizer, op.loss);
}

}  // namespace thaw::cuda
