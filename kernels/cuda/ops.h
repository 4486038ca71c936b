// The ops of kernels/backend.h on CUDA, each a function over a queue; CudaBackend only forwards to them. What
// an op means, which pointers may be null and which views may overlap is said there. Every pointer is device
// memory, but for `segments`.
#pragma once

#include <cstddef>

#include "kernels/cuda/queue.h"
#include "kernels/specs.h"

namespace thaw::cuda {

// Device memory that an op may overwrite while it runs, aligned to 16.
struct Workspace {
  void* data = nullptr;
  std::size_t bytes = 0;
};

// What the ops that take a Workspace need: for sums over the pixels of `view`, and for gradient_norm.
std::size_t column_sums_bytes(const Queue& queue, const ConstView& view);
std::size_t gradient_norm_bytes(const Queue& queue);

void normalize_u8(const Queue& queue, const std::uint8_t* x, std::int64_t channels, const float* mean,
                  const float* std, const std::uint8_t* flip, View y);

void bias_backward(const Queue& queue, ConstView dy, float* dbias, Into into, Workspace workspace);

void batch_norm_statistics(const Queue& queue, ConstView x, float* mean, float* var, Workspace workspace);
void batch_norm_apply(const Queue& queue, const BatchNormSpec& spec, ConstView x, const float* mean,
                      const float* var, const float* gamma, const float* beta, ConstView residual, View y,
                      std::uint8_t* relu_mask);
void batch_norm_backward_reduce(const Queue& queue, const BatchNormSpec& spec, ConstView dy, ConstView x,
                                const float* mean, const float* var, const std::uint8_t* relu_mask,
                                float* sum_g, float* sum_g_xhat, Workspace workspace);
void batch_norm_backward_apply(const Queue& queue, const BatchNormSpec& spec, ConstView dy, ConstView x,
                               const float* mean, const float* var, const float* gamma,
                               const std::uint8_t* relu_mask, const float* sum_g, const float* sum_g_xhat,
                               View dx, Into into, View dresidual);
void lerp(const Queue& queue, const float* from, std::int64_t count, float scale, float weight, float* to);

void relu_forward(const Queue& queue, ConstView x, View y);
void relu_backward(const Queue& queue, ConstView dy, ConstView y, View dx);

void max_pool2d_forward(const Queue& queue, const Pool2dSpec& spec, ConstView x, View y, std::uint8_t* index);
void max_pool2d_backward(const Queue& queue, const Pool2dSpec& spec, ConstView dy, const std::uint8_t* index,
                         View dx);
void avg_pool2d_forward(const Queue& queue, const Pool2dSpec& spec, ConstView x, View y);
void avg_pool2d_backward(const Queue& queue, const Pool2dSpec& spec, ConstView dy, View dx);
void global_avg_pool_forward(const Queue& queue, ConstView x, View y);
void global_avg_pool_backward(const Queue& queue, ConstView dy, View dx);

void norm_relu_pool_forward(const Queue& queue, const BatchNormSpec& norm, const Pool2dSpec& pool,
                            ConstView x, const float* mean, const float* var, const float* gamma,
                            const float* beta, View y, std::uint8_t* index);
void norm_relu_pool_backward_reduce(const Queue& queue, const BatchNormSpec& norm, const Pool2dSpec& pool,
                                    ConstView dy, const std::uint8_t* index, ConstView x, const float* mean,
                                    const float* var, float* sum_g, float* sum_g_xhat, Workspace workspace);
void norm_relu_pool_backward_apply(const Queue& queue, const BatchNormSpec& norm, const Pool2dSpec& pool,
                                   ConstView dy, const std::uint8_t* index, ConstView x, const float* mean,
                                   const float* var, const float* gamma, const float* sum_g,
                                   const float* sum_g_xhat, View dx);

void dropout(const Queue& queue, ConstView x, float p, std::uint32_t layer, const StepState* state, View y);

void copy(const Queue& queue, ConstView x, View y, Into into);
void add(const Queue& queue, ConstView a, ConstView b, View y);
void flatten_forward(const Queue& queue, ConstView x, View y);
void flatten_backward(const Queue& queue, ConstView dy, View dx);
void shortcut_a_forward(const Queue& queue, ConstView x, View y);
void shortcut_a_backward(const Queue& queue, ConstView dy, View dx);

void softmax_cross_entropy(const Queue& queue, std::int64_t n, std::int64_t k, const float* logits,
                           const float* targets, const float* normalizer, float* row_loss, float* loss,
                           float* dlogits);
void binary_cross_entropy_with_logits(const Queue& queue, std::int64_t n, std::int64_t k, const float* logits,
                                      const float* targets, const float* weights, const float* normalizer,
                                      float* row_loss, float* loss, float* dlogits);

// `segments` is host memory and may change on return.
void gradient_norm(const Queue& queue, const float* gradient, std::int64_t count, StepState* state,
                   Workspace workspace);
void sgd_step(const Queue& queue, const SgdSpec& spec, const ArenaSegment* segments,
              std::int64_t segment_count, const StepState* state, const float* gradient, float* weight,
              float* velocity, bf16* low_precision);
void adamw_step(const Queue& queue, const AdamWSpec& spec, const ArenaSegment* segments,
                std::int64_t segment_count, const StepState* state, const float* gradient, float* weight,
                float* m, float* v, bf16* low_precision);

}  // namespace thaw::cuda
