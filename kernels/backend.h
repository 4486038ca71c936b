// The list of everything a device can do. Each op is one virtual function, its gradients beside it;
// kernels/reference says in plain loops what each one means, kernels/cpu and kernels/cuda do the same fast.
//
// Conventions that hold for every op below:
// - Activations are views (specs.h): NHWC with a pixel pitch, f32 or bf16.
// - Parameters, statistics, sums and losses are f32. All accumulation is in f32 or wider.
// - Ops and copies act in the order in which they are queued; `synchronize` waits for them.
// - Host backends are done on return.
// - Gradient outputs say ASSIGNS or ADDS; an `Into` argument chooses.
// - A null gradient pointer means "not wanted".
// - Inputs and outputs do not overlap unless the op says "in place allowed".
// - Shapes are checked by the layers above; a violated precondition throws Error naming the op.
// - Equal inputs give equal bits on one device with one number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "kernels/specs.h"

namespace thaw {

// A step that a backend has recorded. replay() runs it again on the same memory.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void replay() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  // ---- memory ----
  virtual std::string name() const = 0;  // "cpu", "cuda", "reference"
  // One line for people: processor or GPU, threads, library versions.
  virtual std::string description() const = 0;
  virtual bool host_memory() const = 0;  // true: pointers may be read and written by the host
  virtual bool supports(DType activations) const = 0;

  // At least `bytes` bytes, aligned to 256. Blocks come from a cache that keeps what is returned to it;
  // contents are unspecified. Where there is no memory it throws OutOfMemory (a host backend Error), which
  // says what was asked and what is in use.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void deallocate(void* pointer, std::size_t bytes) noexcept = 0;
  virtual std::size_t bytes_in_use() const = 0;  // handed out and not returned
  virtual std::size_t peak_bytes() const = 0;    // the most that was ever in use since reset_peak
  virtual void reset_peak() = 0;

  // Ordered; host may change on return. A GPU fetches the bytes beside the ops that were queued before.
  virtual void upload(void* device, const void* host, std::size_t bytes) = 0;
  // Host memory that a GPU fetches uploads from without a copy by the host: page-locked there, else ordinary.
  virtual std::shared_ptr<void> upload_source(std::size_t bytes) {
    return {::operator new(bytes), [](void* memory) { ::operator delete(memory); }};
  }
  virtual void download(void* host, const void* device, std::size_t bytes) = 0;  // waits for the data
  virtual void copy_bytes(void* to, const void* from, std::size_t bytes) = 0;    // device to device
  virtual void zero(void* pointer, std::size_t bytes) = 0;
  virtual void synchronize() = 0;

  // Runs `step` once and keeps it for replay: a CUDA graph on a GPU; on a host backend replay calls `step`
  // again. While recording a step must not allocate from the system, upload, download or synchronize.
  virtual std::unique_ptr<Recording> record(std::function<void()> step) = 0;

  // ---- input ----
  //
  // y[n,h,w,k] = (x[n,h,w',k] / 255 - mean[k]) / std[k] for k < channels, 0 for channels <= k < y.c;
  // w' = W-1-w where flip[n] != 0 (flip null: none). x: u8 [N,H,W,channels] packed; mean, std: f32
  // [channels].
  virtual void normalize_u8(const std::uint8_t* x, std::int64_t channels, const float* mean, const float* std,
                            const std::uint8_t* flip, View y) = 0;

  // ---- conv2d ----
  //
  // y = act(conv(x, weight) + bias + residual); bias f32 [out] and residual (shape of y) may be null. y is
  // ASSIGNED. With them this is the folded convolution + BatchNorm + add + ReLU of frozen blocks.
  virtual void conv2d_forward(const Conv2dSpec& spec, ConstView x, Weights weight, const float* bias,
                              ConstView residual, Activation activation, View y) = 0;
  // dx = gradient with respect to x. ASSIGNS.
  virtual void conv2d_backward_data(const Conv2dSpec& spec, ConstView dy, Weights weight, View dx) = 0;
  // dweight: f32 KRSC. ASSIGNS or ADDS as `into` says.
  virtual void conv2d_backward_weight(const Conv2dSpec& spec, ConstView x, ConstView dy, float* dweight,
                                      Into into) = 0;
  // dbias[c] = sum over pixels of dy[.,c]; f32 [dy.c]. Serves convolutions and linear layers.
  virtual void bias_backward(ConstView dy, float* dbias, Into into) = 0;

  // ---- linear ----
  //
  // y[n,o] = sum_i x[n,i] weight[o,i] + bias[o]; weight [O,I] row-major, bias f32 [O] or null. y is ASSIGNED.
  virtual void linear_forward(ConstView x, Weights weight, const float* bias, View y) = 0;
  virtual void linear_backward_data(ConstView dy, Weights weight, View dx) = 0;  // ASSIGNS
  virtual void linear_backward_weight(ConstView x, ConstView dy, float* dweight, Into into) = 0;

  // ---- batch_norm (Ioffe & Szegedy 2015; torch.nn.functional.batch_norm) ----
  //
  // mean and biased variance per channel over all pixels, two-pass or Welford; f32 [x.c]. ASSIGNS.
  virtual void batch_norm_statistics(ConstView x, float* mean, float* var) = 0;
  // y = act((x - mean) / sqrt(var + eps) * gamma + beta + residual). residual (shape of y) may be null.
  // relu_mask (null: not wanted): see relu_mask_bytes; bit 1 where the value before ReLU is > 0. ASSIGNS.
  // In place allowed: y may be x or residual.
  virtual void batch_norm_apply(const BatchNormSpec& spec, ConstView x, const float* mean, const float* var,
                                const float* gamma, const float* beta, ConstView residual, View y,
                                std::uint8_t* relu_mask) = 0;
  // With g = dy where relu_mask is set (null: everywhere), else 0, and xhat = (x - mean) / sqrt(var + eps):
  // sum_g[c] = sum g, sum_g_xhat[c] = sum g * xhat; f32 [x.c]. ASSIGNS. They are dbeta and dgamma.
  virtual void batch_norm_backward_reduce(const BatchNormSpec& spec, ConstView dy, ConstView x,
                                          const float* mean, const float* var, const std::uint8_t* relu_mask,
                                          float* sum_g, float* sum_g_xhat) = 0;
  // dx = gamma / sqrt(var + eps) * (g - (sum_g + xhat * sum_g_xhat) / pixels), ASSIGNS or ADDS as `into`
  // says. sum_g null: statistics were constants (running ones), then dx = gamma / sqrt(var + eps) * g, and x
  // may be null. dresidual = g. ASSIGNS. Null data of dx or dresidual: not wanted. In place allowed: dx or
  // dresidual may be dy.
  virtual void batch_norm_backward_apply(const BatchNormSpec& spec, ConstView dy, ConstView x,
                                         const float* mean, const float* var, const float* gamma,
                                         const std::uint8_t* relu_mask, const float* sum_g,
                                         const float* sum_g_xhat, View dx, Into into, View dresidual) = 0;

  // to[i] += weight * (scale * from[i] - to[i]) for i < count; f32. With weight = momentum this is one step
  // of a running statistic; scale = n / (n - 1) makes the variance unbiased (torch.nn.BatchNorm2d).
  virtual void lerp(const float* from, std::int64_t count, float scale, float weight, float* to) = 0;

  // ---- activation ----
  //
  // y = max(x, 0), NaN stays NaN. ASSIGNS; in place allowed.
  virtual void relu_forward(ConstView x, View y) = 0;
  // dx = y > 0 ? dy : 0. ASSIGNS; in place allowed.
  virtual void relu_backward(ConstView dy, ConstView y, View dx) = 0;

  // ---- pool2d ----
  //
  // y = maximum of the window, the first of equals; NaN wins, the last of them. index (u8, shape of y packed,
  // null: not wanted) is ky * kernel + kx of the winner; kernel <= 15.
  virtual void max_pool2d_forward(const Pool2dSpec& spec, ConstView x, View y, std::uint8_t* index) = 0;
  // dx = sum of dy over the windows that this input won; no_winner gives to none. ASSIGNS.
  virtual void max_pool2d_backward(const Pool2dSpec& spec, ConstView dy, const std::uint8_t* index,
                                   View dx) = 0;
  virtual void avg_pool2d_forward(const Pool2dSpec& spec, ConstView x, View y) = 0;
  virtual void avg_pool2d_backward(const Pool2dSpec& spec, ConstView dy, View dx) = 0;  // ASSIGNS
  virtual void global_avg_pool_forward(ConstView x, View y) = 0;     // y: [N,1,1,C], the mean over pixels
  virtual void global_avg_pool_backward(ConstView dy, View dx) = 0;  // ASSIGNS

  // ---- batch_norm + ReLU + max_pool2d, the stem of ResNet and DenseNet ----
  //
  // y = max_pool2d(max((x - mean) / sqrt(var + eps) * gamma + beta, 0)) without writing what lies between.
  // x: [N,H,W,C], y: [N,out_size(H),out_size(W),C], as max_pool2d_forward's; index too, but for no_winner
  // where the maximum is 0: ReLU passes no gradient there. bf16: values are compared before they are rounded.
  // Batch statistics are batch_norm_statistics of x; norm.activation is not read. ASSIGNS.
  virtual void norm_relu_pool_forward(const BatchNormSpec& norm, const Pool2dSpec& pool, ConstView x,
                                      const float* mean, const float* var, const float* gamma,
                                      const float* beta, View y, std::uint8_t* index) = 0;
  // With g (shape of x) = sum of dy over the windows that this input won, and xhat = (x - mean) / sqrt(var +
  // eps): sum_g[c] = sum g, sum_g_xhat[c] = sum g * xhat; f32 [x.c]. ASSIGNS. They are dbeta and dgamma.
  virtual void norm_relu_pool_backward_reduce(const BatchNormSpec& norm, const Pool2dSpec& pool, ConstView dy,
                                              const std::uint8_t* index, ConstView x, const float* mean,
                                              const float* var, float* sum_g, float* sum_g_xhat) = 0;
  // dx = gamma / sqrt(var + eps) * (g - (sum_g + xhat * sum_g_xhat) / pixels of x). ASSIGNS. sum_g null:
  // statistics were constants, then dx = gamma / sqrt(var + eps) * g, and x may be null.
  virtual void norm_relu_pool_backward_apply(const BatchNormSpec& norm, const Pool2dSpec& pool, ConstView dy,
                                             const std::uint8_t* index, ConstView x, const float* mean,
                                             const float* var, const float* gamma, const float* sum_g,
                                             const float* sum_g_xhat, View dx) = 0;

  // ---- dropout ----
  //
  // y = x / (1 - p) where kept, else 0. Element i (packed NHWC index) is kept when word i % 4 of
  // philox(state->seed, Purpose::dropout, state->step, (layer << 40) + i / 4), as philox_uniform, is >= p.
  // `state` lies in device memory. The gradient is the same op on dy. In place allowed.
  virtual void dropout(ConstView x, float p, std::uint32_t layer, const StepState* state, View y) = 0;

  // ---- elementwise, concat, flatten ----
  //
  // y = x with pitches and types converted: packs, concatenates into a slice, casts f32 <-> bf16. ASSIGNS or
  // ADDS.
  virtual void copy(ConstView x, View y, Into into) = 0;
  virtual void add(ConstView a, ConstView b, View y) = 0;  // y = a + b; in place allowed
  // y[n, (c*H + h)*W + w] = x[n,h,w,c] (PyTorch's order of torch.flatten) and back; y: rows [N, C*H*W].
  virtual void flatten_forward(ConstView x, View y) = 0;
  virtual void flatten_backward(ConstView dy, View dx) = 0;  // ASSIGNS
  // Option-A shortcut of CIFAR ResNets (He et al. 2016, section 4.2): y takes every second pixel of x (rows
  // and columns 0, 2, ...) and places its channels at y's channel (y.c - x.c) / 2; the other channels are 0.
  virtual void shortcut_a_forward(ConstView x, View y) = 0;
  virtual void shortcut_a_backward(ConstView dy, View dx) = 0;  // ASSIGNS

  // ---- losses ----
  //
  // logits, targets: f32 [N,K] packed. row_loss[n] = sum_k targets[n,k] * -log_softmax(logits[n])[k], with
  // the maximum subtracted first; loss[0] = sum_n row_loss[n] / normalizer[0]. Labels, smoothing ((1 - e)
  // onehot + e / K), mixing and class weights all come in through targets, which need not sum to 1
  // (torch.nn.CrossEntropyLoss divides by the sum of the labels' class weights: that is `normalizer`).
  // dlogits (null: not wanted): gradient of loss[0]. ASSIGNS.
  virtual void softmax_cross_entropy(std::int64_t n, std::int64_t k, const float* logits,
                                     const float* targets, const float* normalizer, float* row_loss,
                                     float* loss, float* dlogits) = 0;
  // row_loss[n] = sum_k weights[n,k] * (max(z,0) - z t + log1p(exp(-|z|))) (torch.nn.BCEWithLogitsLoss),
  // weights null: 1; loss[0] = sum_n row_loss[n] / normalizer[0]. dlogits (null: not wanted): gradient of
  // loss[0]. ASSIGNS.
  virtual void binary_cross_entropy_with_logits(std::int64_t n, std::int64_t k, const float* logits,
                                                const float* targets, const float* weights,
                                                const float* normalizer, float* row_loss, float* loss,
                                                float* dlogits) = 0;

  // ---- optimizer_step ----
  //
  // state->grad_norm = sqrt(sum g^2) over `count` elements, summed in double and in a fixed order; then
  // state->clip = min(1, max_norm / (grad_norm + 1e-6)) if max_norm > 0, else 1
  // (torch.nn.utils.clip_grad_norm_); state->skip = 1 if the norm is not finite, else 0. `state` lies in
  // device memory.
  virtual void gradient_norm(const float* gradient, std::int64_t count, StepState* state) = 0;
  // torch.optim.SGD over a flat arena, lr outside the momentum: g = clip * gradient + decay * w; v = momentum
  // * v + g (first step: v = g, the same since v begins at 0); w -= lr * lr_scale * (nesterov ? g + momentum
  // * v : v). low_precision (null: none): bf16 copy of w, ASSIGNED. velocity may be null when momentum is 0.
  // Segments do not overlap and lie in host memory; arena elements in no segment (padding) are left alone.
  // Nothing changes where state->skip is set.
  virtual void sgd_step(const SgdSpec& spec, const ArenaSegment* segments, std::int64_t segment_count,
                        const StepState* state, const float* gradient, float* weight, float* velocity,
                        bf16* low_precision) = 0;
  // torch.optim.AdamW (Loshchilov & Hutter 2019), t = state->step + 1 - the segment's first_step, with bias
  // correction; the decay is decoupled.
  virtual void adamw_step(const AdamWSpec& spec, const ArenaSegment* segments, std::int64_t segment_count,
                          const StepState* state, const float* gradient, float* weight, float* m, float* v,
                          bf16* low_precision) = 0;
};

// What a GPU leaves to choose (torch.backends.cudnn.allow_tf32 and .benchmark, torch.backends.cuda.matmul).
struct BackendOptions {
  // f32 convolutions and matrix products may round their inputs to TF32 (10 bits of mantissa) for the tensor
  // cores; sums stay f32.
  bool tf32 = false;
  // Time cuDNN's engines where a convolution is new, and keep the fastest on disk for later runs; false: take
  // the first one that cuDNN proposes.
  bool cudnn_benchmark = true;
  // For tests: every convolution runs on this one of the engines that cuDNN proposes for it, counted from 0,
  // or throws NoSuchEngine; nothing is timed.
  std::optional<std::size_t> cudnn_engine = std::nullopt;
};

// `beyond`: there are not so many; else cuDNN proposes the engine and refuses to compile it.
struct NoSuchEngine : Error {
  NoSuchEngine(const std::string& what, bool beyond_last) : Error(what), beyond(beyond_last) {}
  bool beyond;
};

// The backends that this build contains. Each throws Error with the reason if it cannot be had on this
// machine. `threads` <= 0: as many as the machine has.
std::unique_ptr<Backend> make_reference_backend();
std::unique_ptr<Backend> make_cpu_backend(int threads);
std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options = {});

// Whether a GPU that this build can use answers; else `reason` says why not.
bool cuda_available(std::string* reason);

// "auto", "cpu", "cuda" or "reference". "auto" is cuda where it answers, else cpu where built, else
// reference; the caller tells the user which (Backend::description). Throws Error on another name, and where
// `options` asks another device than cuda for TF32.
std::unique_ptr<Backend> make_backend(const std::string& device, const BackendOptions& options = {});

}  // namespace thaw
