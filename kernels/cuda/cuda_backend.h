// The Backend for NVIDIA GPUs: a compute stream on device 0 and a copy stream for uploads, one memory pool,
// cuDNN for convolutions, cuBLASLt for linear layers, own kernels (ops.h) for everything else.
#pragma once

#include <string>

#include "kernels/backend.h"
#include "kernels/cuda/conv2d.h"
#include "kernels/cuda/linear.h"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/queue.h"
#include "kernels/cuda/staging.h"
#include "kernels/cuda/stream.h"

namespace thaw::cuda {

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(const BackendOptions& options);

  std::string name() const override { return "cuda"; }
  std::string description() const override { return description_; }
  bool host_memory() const override { return false; }
  bool supports(DType activations) const override {
    return activations == DType::f32 || activations == DType::bf16;
  }

  void* allocate(std::size_t bytes) override { return pool_.allocate(bytes); }
  void deallocate(void* pointer, std::size_t) noexcept override { pool_.deallocate(pointer); }
  std::size_t bytes_in_use() const override { return pool_.bytes_in_use(); }
  std::size_t peak_bytes() const override { return pool_.peak_bytes(); }
  void reset_peak() override { pool_.reset_peak(); }
  void upload(void* device, const void* host, std::size_t bytes) override;
  std::shared_ptr<void> upload_source(std::size_t bytes) override;
  void download(void* host, const void* device, std::size_t bytes) override;
  void copy_bytes(void* to, const void* from, std::size_t bytes) override;
  void zero(void* pointer, std::size_t bytes) override;
  void synchronize() override;
  std::unique_ptr<Recording> record(std::function<void()> step) override;

  void normalize_u8(const std::uint8_t* x, std::int64_t channels, const float* mean, const float* std,
                    const std::uint8_t* flip, View y) override;

  void conv2d_forward(const Conv2dSpec& spec, ConstView x, Weights weight, const float* bias,
                      ConstView residual, Activation activation, View y) override;
  void conv2d_backward_data(const Conv2dSpec& spec, ConstView dy, Weights weight, View dx) override;
  void conv2d_backward_weight(const Conv2dSpec& spec, ConstView x, ConstView dy, float* dweight,
                              Into into) override;
  void bias_backward(ConstView dy, float* dbias, Into into) override;

  void linear_forward(ConstView x, Weights weight, const float* bias, View y) override;
  void linear_backward_data(ConstView dy, Weights weight, View dx) override;
  void linear_backward_weight(ConstView x, ConstView dy, float* dweight, Into into) override;

  void batch_norm_statistics(ConstView x, float* mean, float* var) override;
  void batch_norm_apply(const BatchNormSpec& spec, ConstView x, const float* mean, const float* var,
                        const float* gamma, const float* beta, ConstView residual, View y,
                        std::uint8_t* relu_mask) override;
  void batch_norm_backward_reduce(const BatchNormSpec& spec, ConstView dy, ConstView x, const float* mean,
                                  const float* var, const std::uint8_t* relu_mask, float* sum_g,
                                  float* sum_g_xhat) override;
  void batch_norm_backward_apply(const BatchNormSpec& spec, ConstView dy, ConstView x, const float* mean,
                                 const float* var, const float* gamma, const std::uint8_t* relu_mask,
                                 const float* sum_g, const float* sum_g_xhat, View dx, Into into,
                                 View dresidual) override;
  void lerp(const float* from, std::int64_t count, float scale, float weight, float* to) override;

  void relu_forward(ConstView x, View y) override;
  void relu_backward(ConstView dy, ConstView y, View dx) override;

  void max_pool2d_forward(const Pool2dSpec& spec, ConstView x, View y, std::uint8_t* index) override;
  void max_pool2d_backward(const Pool2dSpec& spec, ConstView dy, const std::uint8_t* index, View dx) override;
  void avg_pool2d_forward(const Pool2dSpec& spec, ConstView x, View y) override;
  void avg_pool2d_backward(const Pool2dSpec& spec, ConstView dy, View dx) override;
  void global_avg_pool_forward(ConstView x, View y) override;
  void global_avg_pool_backward(ConstView dy, View dx) override;
  void norm_relu_pool_forward(const BatchNormSpec& norm, const Pool2dSpec& pool, ConstView x,
                              const float* mean, const float* var, const float* gamma, const float* beta,
                              View y, std::uint8_t* index) override;
  void norm_relu_pool_backward_reduce(const BatchNormSpec& norm, const Pool2dSpec& pool, ConstView dy,
                                      const std::uint8_t* index, ConstView x, const float* mean,
                                      const float* var, float* sum_g, float* sum_g_xhat) override;
  void norm_relu_pool_backward_apply(const BatchNormSpec& norm, const Pool2dSpec& pool, ConstView dy,
                                     const std::uint8_t* index, ConstView x, const float* mean,
                                     const float* var, const float* gamma, const float* sum_g,
                                     const float* sum_g_xhat, View dx) override;

  void dropout(ConstView x, float p, std::uint32_t layer, const StepState* state, View y) override;

  void copy(ConstView x, View y, Into into) override;
  void add(ConstView a, ConstView b, View y) override;
  void flatten_forward(ConstView x, View y) override;
  void flatten_backward(ConstView dy, View dx) override;
  void shortcut_a_forward(ConstView x, View y) override;
  void shortcut_a_backward(ConstView dy, View dx) override;

  void softmax_cross_entropy(std::int64_t n, std::int64_t k, const float* logits, const float* targets,
                             const float* normalizer, float* row_loss, float* loss, float* dlogits) override;
  void binary_cross_entropy_with_logits(std::int64_t n, std::int64_t k, const float* logits,
                                        const float* targets, const float* weights, const float* normalizer,
                                        float* row_loss, float* loss, float* dlogits) override;

  void gradient_norm(const float* gradient, std::int64_t count, StepState* state) override;
  void sgd_step(const SgdSpec& spec, const ArenaSegment* segments, std::int64_t segment_count,
                const StepState* state, const float* gradient, float* weight, float* velocity,
                bf16* low_precision) override;
  void adamw_step(const AdamWSpec& spec, const ArenaSegment* segments, std::int64_t segment_count,
                  const StepState* state, const float* gradient, float* weight, float* m, float* v,
                  bf16* low_precision) override;

 private:
  void refuse_while_recording(const char* what) const;

  std::string description_;
  Stream stream_, copies_;
  Queue queue_;
  Pool pool_;
  Staging staging_;
  Convolutions convolutions_;
  Linear linear_;
};

}  // namespace thaw::cuda
