#include "kernels/cuda/reduce.h"

namespace thaw::cuda {
namespace {

// One sum of squares per block; the number of blocks, and so the order, depends on `count` and the device.
__global__ void __launch_bounds__(block_threads)
    squares_kernel(const float* gradient, std::int64_t count, bool aligned, double* partial) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t vectors = aligned ? count / 4 : 0;
  double sum = 0.0;
#pragma unroll 4
  for (std::int64_t i = first; i < vectors; i += step) {
    const auto g = load<4>(gradient + i * 4);
#pragma unroll
    for (int k = 0; k < 4; ++k) sum += static_cast<double>(g.v[k]) * static_cast<double>(g.v[k]);
  }
  for (std::int64_t i = vectors * 4 + first; i < count; i += step)
    sum += static_cast<double>(gradient[i]) * static_cast<double>(gradient[i]);
  sum = block_sum(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(block_threads)
    norm_kernel(const double* partial, unsigned parts, StepState* state) {
  double sum = 0.0;
  for (unsigned i = threadIdx.x; i < parts; i += blockDim.x) sum += partial[i];
  sum = block_sum(sum);
  if (threadIdx.x != 0) return;
  const double norm = sqrt(sum);
  const auto rounded = static_cast<float>(norm);
  const double ratio = static_cast<double>(state->max_norm) / (norm + 1e-6);
  state->grad_norm = rounded;
  state->skip = rounded - rounded == 0.0f ? 0 : 1;  // infinity and NaN differ from themselves
  state->clip = state->max_norm > 0.0f ? static_cast<float>(ratio < 1.0 ? ratio : 1.0) : 1.0f;
}

}  // namespace

std::size_t workspace_bytes(const Queue& queue, const GradientNorm&) {
  return std::size_t{8} * queue.multiprocessors * sizeof(double);
}

template <>
void run(const Queue& queue, const GradientNorm& op, Workspace workspace) {
  require(workspace.bytes >= workspace_bytes(queue, op), op.name,
          "the workspace is too small; ask workspace_bytes");
  const unsigned parts = grid_for(queue, (op.count + 3) / 4);
  auto* partial = static_cast<double*>(workspace.data);
  const bool aligned = reinterpret_cast<std::uintptr_t>(op.gradient) % 16 == 0;
  launch(queue, op.name, squares_kernel, dim3(parts), op.gradient, op.count, aligned, partial);
  launch(queue, op.name, norm_kernel, dim3(1), static_cast<const double*>(partial), parts, op.state);
}

}  // namespace thaw::cuda
