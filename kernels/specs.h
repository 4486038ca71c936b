// The plain structs that describe an op: views of activations, geometry, and the numbers that change between
// steps.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/dtype.h"
#include "kernels/error.h"

namespace thaw {

// A view of activations [N,H,W,C] in memory (logical [N,C,H,W]): pixel p = (n*h + y)*w + x begins at element
// p * pitch and holds `c` values. pitch > c: a channel slice of a wider buffer. Rows [N,F] are views with h =
// w = 1.
template <class Pointer>
struct BasicView {
  Pointer data = nullptr;
  DType type = DType::f32;
  std::int64_t n = 0, h = 1, w = 1, c = 0;
  std::int64_t pitch = 0;  // elements between neighbouring pixels, >= c

  std::int64_t pixels() const { return n * h * w; }
  std::int64_t elements() const { return pixels() * c; }
  bool packed() const { return pitch == c; }
  explicit operator bool() const { return data != nullptr; }
};

struct View : BasicView<void*> {};

struct ConstView : BasicView<const void*> {
  ConstView() = default;
  ConstView(const View& v) {
    data = v.data;
    type = v.type;
    n = v.n, h = v.h, w = v.w, c = v.c;
    pitch = v.pitch;
  }
  explicit ConstView(const BasicView<const void*>& v) : BasicView<const void*>(v) {}
};

// Weights in the activations' precision: a bf16 copy under bf16, else the f32 master.
struct Weights {
  const void* data = nullptr;
  DType type = DType::f32;
};

// Whether an output is overwritten or added to.
enum class Into : std::uint8_t { assign, add };

enum class Activation : std::uint8_t { none, relu };

// Cross-correlation as torch.nn.Conv2d. Weights lie as [out, kernel_h, kernel_w, in / groups] (KRSC).
struct Conv2dSpec {
  std::int64_t in = 0, out = 0;
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;

  std::int64_t out_h(std::int64_t h) const { return extent(h, kernel_h); }
  std::int64_t out_w(std::int64_t w) const { return extent(w, kernel_w); }
  std::int64_t weight_elements() const { return out * kernel_h * kernel_w * (in / groups); }

 private:
  std::int64_t extent(std::int64_t size, std::int64_t kernel) const {
    const std::int64_t span = size + 2 * padding - dilation * (kernel - 1) - 1;
    if (span < 0)
      throw Error("conv2d: input of size " + std::to_string(size) + " with padding " +
                  std::to_string(padding) + " is smaller than the kernel of size " + std::to_string(kernel) +
                  "; use larger pictures");
    return span / stride + 1;
  }
};

// Max or average pooling as torch.nn.MaxPool2d / AvgPool2d; the divisor of the average follows PyTorch's
// rule. As there, padding is at most half of the kernel: every window holds an input.
struct Pool2dSpec {
  std::int64_t kernel = 2, stride = 2, padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;

  // Throws Error where the geometry is none, or the input smaller than the kernel.
  std::int64_t out_size(std::int64_t size) const {
    if (kernel < 1 || stride < 1 || padding < 0 || padding > kernel / 2)
      throw Error("pool2d: kernel " + std::to_string(kernel) + ", stride " + std::to_string(stride) +
                  ", padding " + std::to_string(padding) +
                  "; kernel and stride must be at least 1, padding 0 to kernel / 2");
    const std::int64_t span = size + 2 * padding - kernel;
    if (span < 0)
      throw Error("pool2d: input of size " + std::to_string(size) + " is smaller than the kernel of size " +
                  std::to_string(kernel) + "; use larger pictures");
    std::int64_t out = (span + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    if (ceil_mode && (out - 1) * stride >= size + padding) --out;  // the last window starts inside the input
    return out;
  }
};

// The index of a window that passes no gradient; the places in a window are below it, for kernel <= 15.
constexpr std::uint8_t no_winner = 255;

struct BatchNormSpec {
  float eps = 1e-5f;
  Activation activation = Activation::none;  // applied after the optional residual add
};

// Bytes of a ReLU mask: one bit per value, each pixel's row rounded up to whole bytes, value c at bit c % 8
// of byte c / 8.
constexpr std::int64_t relu_mask_bytes(std::int64_t pixels, std::int64_t channels) {
  return pixels * ((channels + 7) / 8);
}

struct SgdSpec {
  float momentum = 0.9f;
  bool nesterov = false;
};

struct AdamWSpec {
  float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f;
};

// A run of elements of a parameter arena that share their settings.
struct ArenaSegment {
  std::int64_t begin = 0, end = 0;
  float lr_scale = 1.0f;
  float weight_decay = 0.0f;
  std::uint64_t first_step = 0;  // steps done before these elements were trained at all
};

// Whatever changes between steps. It lies in device memory, so that a recorded step (CUDA graph) can be
// replayed.
struct StepState {
  std::uint64_t step = 0;  // optimizer steps done before this one; AdamW's t is step + 1 - first_step
  std::uint64_t seed = 0;  // Philox key of dropout
  float lr = 0.0f;         // before lr_scale
  float max_norm = 0.0f;   // gradient clipping by total norm; 0: no clipping
  float grad_norm = 0.0f;  // written by gradient_norm
  float clip = 1.0f;       // written by gradient_norm: what gradients are multiplied by
  std::uint32_t skip =
      0;  // written by gradient_norm: 1 if the norm is not finite, then the step changes nothing
  std::uint32_t unused = 0;
};

}  // namespace thaw
