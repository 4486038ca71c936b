// A Backend that computes nothing: it hands out memory that nobody touches and counts operations and bytes.
// Running a network on it tells what a step costs without taking it. Contents of its memory are zero or
// unspecified.
#pragma once

#include <memory>

#include "kernels/backend.h"

namespace thaw {

class CountingBackend : public Backend {
 public:
  // Multiplications and additions of convolutions and matrix products since the beginning, 2 per
  // multiply-add; the rest of a network is a few per cent.
  double flops() const { return flops_; }

  std::string name() const override { return "counting"; }
  std::string description() const override { return "counts operations and bytes, computes nothing"; }
  bool host_memory() const override { return true; }
  bool supports(DType) const override { return true; }
  void* allocate(std::size_t bytes) override;
  void deallocate(void* pointer, std::size_t bytes) noexcept override;
  std::size_t bytes_in_use() const override { return in_use_; }
  std::size_t peak_bytes() const override { return peak_; }
  void reset_peak() override { peak_ = in_use_; }
  void upload(void*, const void*, std::size_t) override {}
  void download(void* host, const void* device, std::size_t bytes) override;  // zeros
  void copy_bytes(void*, const void*, std::size_t) override {}
  void zero(void*, std::size_t) override {}
  void synchronize() override {}
  std::unique_ptr<Recording> record(std::function<void()> step) override;

  void normalize_u8(const std::uint8_t*, std::int64_t, const float*, const float*, const std::uint8_t*,
                    View) override {}
  void conv2d_forward(const Conv2dSpec& spec, ConstView x, Weights weight, const float* bias,
                      ConstView residual, Activation activation, View y) override;
  void conv2d_backward_data(const Conv2dSpec& spec, ConstView dy, Weights weight, View dx) override;
  void conv2d_backward_weight(const Conv2dSpec& spec, ConstView x, ConstView dy, float* dweight,
                              Into into) override;
  void bias_backward(ConstView, float*, Into) override {}
  void linear_forward(ConstView x, Weights weight, const float* bias, View y) override;
  void linear_backward_data(ConstView dy, Weights weight, View dx) override;
  void linear_backward_weight(ConstView x, ConstView dy, float* dweight, Into into) override;
  void batch_norm_statistics(ConstView, float*, float*) override {}
  void batch_norm_apply(const BatchNormSpec&, ConstView, const float*, const float*, const float*,
                        const float*, ConstView, View, std::uint8_t*) override {}
  void batch_norm_backward_reduce(const BatchNormSpec&, ConstView, ConstView, const float*, const float*,
                                  const std::uint8_t*, float*, float*) override {}
  void batch_norm_backward_apply(const BatchNormSpec&, ConstView, ConstView, const float*, const float*,
                                 const float*, const std::uint8_t*, const float*, const float*, View, Into,
                                 View) override {}
  void lerp(const float*, std::int64_t, float, float, float*) override {}
  void relu_forward(ConstView, View) override {}
  void relu_backward(ConstView, ConstView, View) override {}
  void max_pool2d_forward(const Pool2dSpec&, ConstView, View, std::uint8_t*) override {}
  void max_pool2d_backward(const Pool2dSpec&, ConstView, const std::uint8_t*, View) override {}
  void avg_pool2d_forward(const Pool2dSpec&, ConstView, View) override {}
  void avg_pool2d_backward(const Pool2dSpec&, ConstView, View) override {}
  void global_avg_pool_forward(ConstView, View) override {}
  void global_avg_pool_backward(ConstView, View) override {}
  void norm_relu_pool_forward(const BatchNormSpec&, const Pool2dSpec&, ConstView, const float*, const float*,
                              const float*, const float*, View, std::uint8_t*) override {}
  void norm_relu_pool_backward_reduce(const BatchNormSpec&, const Pool2dSpec&, ConstView, const std::uint8_t*,
                                      ConstView, const float*, const float*, float*, float*) override {}
  void norm_relu_pool_backward_apply(const BatchNormSpec&, const Pool2dSpec&, ConstView, const std::uint8_t*,
                                     ConstView, const float*, const float*, const float*, const float*,
                                     const float*, View) override {}
  void dropout(ConstView, float, std::uint32_t, const StepState*, View) override {}
  void copy(ConstView, View, Into) override {}
  void add(ConstView, ConstView, View) override {}
  void flatten_forward(ConstView, View) override {}
  void flatten_backward(ConstView, View) override {}
  void shortcut_a_forward(ConstView, View) override {}
  void shortcut_a_backward(ConstView, View) override {}
  void softmax_cross_entropy(std::int64_t, std::int64_t, const float*, const float*, const float*, float*,
                             float*, float*) override {}
  void binary_cross_entropy_with_logits(std::int64_t, std::int64_t, const float*, const float*, const float*,
                                        const float*, float*, float*, float*) override {}
  void gradient_norm(const float*, std::int64_t, StepState*) override {}
  void sgd_step(const SgdSpec&, const ArenaSegment*, std::int64_t, const StepState*, const float*, float*,
                float*, bf16*) override {}
  void adamw_step(const AdamWSpec&, const ArenaSegment*, std::int64_t, const StepState*, const float*, float*,
                  float*, float*, bf16*) override {}

 private:
  double flops_ = 0.0;
  std::size_t in_use_ = 0, peak_ = 0;
};

}  // namespace thaw
