#include "kernels/cuda/losses.h"

namespace thaw::cuda {
namespace {

__global__ void __launch_bounds__(block_threads)
    mean_loss_kernel(std::int64_t n, const float* row_loss, const float* normalizer, float* loss) {
  double sum = 0.0;
  for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x) sum += static_cast<double>(row_loss[i]);
  sum = block_sum(sum);
  if (threadIdx.x == 0) loss[0] = static_cast<float>(sum / static_cast<double>(normalizer[0]));
}

}  // namespace

void mean_loss(const Queue& queue, const char* op, std::int64_t n, const float* row_loss,
               const float* normalizer, float* loss) {
  launch(queue, op, mean_loss_kernel, dim3(1), n, row_loss, normalizer, loss);
}

}  // namespace thaw::cuda
