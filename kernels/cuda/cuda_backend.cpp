// Every op is one call of a function of ops.h, with temporary memory from the pool where it needs some.
#include "kernels/cuda/cuda_backend.h"

#include "kernels/cuda/ops.h"

namespace thaw::cuda {
namespace {

// Memory that an op may use until it is over.
class ScratchSpace {
 public:
  ScratchSpace(Pool& pool, std::size_t bytes) : memory_(pool, bytes), bytes_(bytes) {}
  Workspace get() const { return {memory_.data(), bytes_}; }

 private:
  Temporary memory_;
  std::size_t bytes_;
};

}  // namespace

void CudaBackend::normalize_u8(const std::uint8_t* x, std::int64_t channels, const float* mean,
                               const float* std, const std::uint8_t* flip, View y) {
  cuda::normalize_u8(queue_, x, channels, mean, std, flip, y);
}

void CudaBackend::conv2d_forward(const Conv2dSpec& spec, ConstView x, Weights weight, const float* bias,
                                 ConstView residual, Activation activation, View y) {
  convolutions_.forward(spec, x, weight, bias, residual, activation, y);
}

void CudaBackend::conv2d_backward_data(const Conv2dSpec& spec, ConstView dy, Weights weight, View dx) {
  convolutions_.backward_data(spec, dy, weight, dx);
}

void CudaBackend::conv2d_backward_weight(const Conv2dSpec& spec, ConstView x, ConstView dy, float* dweight,
                                         Into into) {
  convolutions_.backward_weight(spec, x, dy, dweight, into);
}

void CudaBackend::bias_backward(ConstView dy, float* dbias, Into into) {
  const ScratchSpace space(pool_, column_sums_bytes(queue_, dy));
  cuda::bias_backward(queue_, dy, dbias, into, space.get());
}

void CudaBackend::linear_forward(ConstView x, Weights weight, const float* bias, View y) {
  linear_.forward(x, weight, bias, y);
}

void CudaBackend::linear_backward_data(ConstView dy, Weights weight, View dx) {
  linear_.backward_data(dy, weight, dx);
}

void CudaBackend::linear_backward_weight(ConstView x, ConstView dy, float* dweight, Into into) {
  linear_.backward_weight(x, dy, dweight, into);
}

void CudaBackend::batch_norm_statistics(ConstView x, float* mean, float* var) {
  const ScratchSpace space(pool_, column_sums_bytes(queue_, x));
  cuda::batch_norm_statistics(queue_, x, mean, var, space.get());
}

void CudaBackend::batch_norm_apply(const BatchNormSpec& spec, ConstView x, const float* mean,
                                   const float* var, const float* gamma, const float* beta,
                                   ConstView residual, View y, std::uint8_t* relu_mask) {
  cuda::batch_norm_apply(queue_, spec, x, mean, var, gamma, beta, residual, y, relu_mask);
}

void CudaBackend::batch_norm_backward_reduce(const BatchNormSpec& spec, ConstView dy, ConstView x,
                                             const float* mean, const float* var,
                                             const std::uint8_t* relu_mask, float* sum_g, float* sum_g_xhat) {
  const ScratchSpace space(pool_, column_sums_bytes(queue_, dy));
  cuda::batch_norm_backward_reduce(queue_, spec, dy, x, mean, var, relu_mask, sum_g, sum_g_xhat, space.get());
}

void CudaBackend::batch_norm_backward_apply(const BatchNormSpec& spec, ConstView dy, ConstView x,
                                            const float* mean, const float* var, const float* gamma,
                                            const std::uint8_t* relu_mask, const float* sum_g,
                                            const float* sum_g_xhat, View dx, Into into, View dresidual) {
  cuda::batch_norm_backward_apply(queue_, spec, dy, x, mean, var, gamma, relu_mask, sum_g, sum_g_xhat, dx,
                                  into, dresidual);
}

void CudaBackend::lerp(const float* from, std::int64_t count, float scale, float weight, float* to) {
  cuda::lerp(queue_, from, count, scale, weight, to);
}

void CudaBackend::relu_forward(ConstView x, View y) {
  cuda::relu_forward(queue_, x, y);
}

void CudaBackend::relu_backward(ConstView dy, ConstView y, View dx) {
  cuda::relu_backward(queue_, dy, y, dx);
}

void CudaBackend::max_pool2d_forward(const Pool2dSpec& spec, ConstView x, View y, std::uint8_t* index) {
  cuda::max_pool2d_forward(queue_, spec, x, y, index);
}

void CudaBackend::max_pool2d_backward(const Pool2dSpec& spec, ConstView dy, const std::uint8_t* index,
                                      View dx) {
  cuda::max_pool2d_backward(queue_, spec, dy, index, dx);
}

void CudaBackend::avg_pool2d_forward(const Pool2dSpec& spec, ConstView x, View y) {
  cuda::avg_pool2d_forward(queue_, spec, x, y);
}

void CudaBackend::avg_pool2d_backward(const Pool2dSpec& spec, ConstView dy, View dx) {
  cuda::avg_pool2d_backward(queue_, spec, dy, dx);
}

void CudaBackend::global_avg_pool_forward(ConstView x, View y) {
  cuda::global_avg_pool_forward(queue_, x, y);
}

void CudaBackend::global_avg_pool_backward(ConstView dy, View dx) {
  cuda::global_avg_pool_backward(queue_, dy, dx);
}

void CudaBackend::norm_relu_pool_forward(const BatchNormSpec& norm, const Pool2dSpec& pool, ConstView x,
                                         const float* mean, const float* var, const float* gamma,
                                         const float* beta, View y, std::uint8_t* index) {
  cuda::norm_relu_pool_forward(queue_, norm, pool, x, mean, var, gamma, beta, y, index);
}

void CudaBackend::norm_relu_pool_backward_reduce(const BatchNormSpec& norm, const Pool2dSpec& pool,
                                                 ConstView dy, const std::uint8_t* index, ConstView x,
                                                 const float* mean, const float* var, float* sum_g,
                                                 float* sum_g_xhat) {
  const ScratchSpace space(pool_, column_sums_bytes(queue_, x));
  cuda::norm_relu_pool_backward_reduce(queue_, norm, pool, dy, index, x, mean, var, sum_g, sum_g_xhat,
                                       space.get());
}

void CudaBackend::norm_relu_pool_backward_apply(const BatchNormSpec& norm, const Pool2dSpec& pool,
                                                ConstView dy, const std::uint8_t* index, ConstView x,
                                                const float* mean, const float* var, const float* gamma,
                                                const float* sum_g, const float* sum_g_xhat, View dx) {
  cuda::norm_relu_pool_backward_apply(queue_, norm, pool, dy, index, x, mean, var, gamma, sum_g, sum_g_xhat,
                                      dx);
}

void CudaBackend::dropout(ConstView x, float p, std::uint32_t layer, const StepState* state, View y) {
  cuda::dropout(queue_, x, p, layer, state, y);
}

void CudaBackend::copy(ConstView x, View y, Into into) {
  cuda::copy(queue_, x, y, into);
}

void CudaBackend::add(ConstView a, ConstView b, View y) {
  cuda::add(queue_, a, b, y);
}

void CudaBackend::flatten_forward(ConstView x, View y) {
  cuda::flatten_forward(queue_, x, y);
}

void CudaBackend::flatten_backward(ConstView dy, View dx) {
  cuda::flatten_backward(queue_, dy, dx);
}

void CudaBackend::shortcut_a_forward(ConstView x, View y) {
  cuda::shortcut_a_forward(queue_, x, y);
}

void CudaBackend::shortcut_a_backward(ConstView dy, View dx) {
  cuda::shortcut_a_backward(queue_, dy, dx);
}

void CudaBackend::softmax_cross_entropy(std::int64_t n, std::int64_t k, const float* logits,
                                        const float* targets, const float* normalizer, float* row_loss,
                                        float* loss, float* dlogits) {
  cuda::softmax_cross_entropy(queue_, n, k, logits, targets, normalizer, row_loss, loss, dlogits);
}

void CudaBackend::binary_cross_entropy_with_logits(std::int64_t n, std::int64_t k, const float* logits,
                                                   const float* targets, const float* weights,
                                                   const float* normalizer, float* row_loss, float* loss,
                                                   float* dlogits) {
  cuda::binary_cross_entropy_with_logits(queue_, n, k, logits, targets, weights, normalizer, row_loss, loss,
                                         dlogits);
}

void CudaBackend::gradient_norm(const float* gradient, std::int64_t count, StepState* state) {
  const ScratchSpace space(pool_, gradient_norm_bytes(queue_));
  cuda::gradient_norm(queue_, gradient, count, state, space.get());
}

void CudaBackend::sgd_step(const SgdSpec& spec, const ArenaSegment* segments, std::int64_t segment_count,
                           const StepState* state, const float* gradient, float* weight, float* velocity,
                           bf16* low_precision) {
  cuda::sgd_step(queue_, spec, segments, segment_count, state, gradient, weight, velocity, low_precision);
}

void CudaBackend::adamw_step(const AdamWSpec& spec, const ArenaSegment* segments, std::int64_t segment_count,
                             const StepState* state, const float* gradient, float* weight, float* m, float* v,
                             bf16* low_precision) {
  cuda::adamw_step(queue_, spec, segments, segment_count, state, gradient, weight, m, v, low_precision);
}

}  // namespace thaw::cuda
