// Pooling as torch.nn.functional.max_pool2d, avg_pool2d and adaptive_avg_pool2d(1).
#pragma once

#include "kernels/ops/op.h"

namespace thaw {

// Geometry as torch.nn.MaxPool2d / AvgPool2d; the divisor of the average follows PyTorch's rule. As there,
// padding is at most half of the kernel: every window holds an input.
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

namespace checks {

// `x`: the larger side or its gradient, `y`: the other. Throws Error that names `op` unless they fit `s`.
void pool2d(const char* op, const Pool2dSpec& s, const Named& x, const Named& y);
// That a byte holds every place of a window.
void places(const char* op, const Pool2dSpec& s);
// `x` holds the pictures, `y` one row for each.
void global_pool(const char* op, const Named& x, const Named& y);

}  // namespace checks

// y = maximum of the window, the first of equals; NaN wins, the last of them. ASSIGNS.
struct MaxPool2dForward {
  static constexpr const char* name = "max_pool2d_forward";
  Pool2dSpec spec;  // kernel <= 15
  ConstView x;      // [N,H,W,C]
  View y;           // [N,out_size(H),out_size(W),C]
  // Shape of y packed: ky * kernel + kx of the winner; null: not wanted.
  std::uint8_t* index = nullptr;

  void check() const {
    checks::pool2d(name, spec, {"x", x}, {"y", y});
    checks::places(name, spec);
    checks::activations(name, {{"x", x}, {"y", y}});
  }
  Cost cost() const { return {.read = x.bytes(), .written = y.bytes() + (index ? y.elements() : 0)}; }
};

// dx = sum of dy over the windows that this input won; no_winner gives to none. ASSIGNS.
struct MaxPool2dBackward {
  static constexpr const char* name = "max_pool2d_backward";
  Pool2dSpec spec;            // kernel <= 15
  ConstView dy;               // shape of y
  const std::uint8_t* index;  // as MaxPool2dForward's
  View dx;                    // shape of x

  void check() const {
    checks::pool2d(name, spec, {"dx", dx}, {"dy", dy});
    checks::places(name, spec);
    checks::activations(name, {{"dy", dy}, {"dx", dx}});
  }
  Cost cost() const { return {.read = dy.bytes() + dy.elements(), .written = dx.bytes()}; }
};

// y = sum of the window / its divisor. ASSIGNS.
struct AvgPool2dForward {
  static constexpr const char* name = "avg_pool2d_forward";
  Pool2dSpec spec;
  ConstView x;  // [N,H,W,C]
  View y;       // [N,out_size(H),out_size(W),C]

  void check() const {
    checks::pool2d(name, spec, {"x", x}, {"y", y});
    checks::activations(name, {{"x", x}, {"y", y}});
  }
  Cost cost() const { return {.read = x.bytes(), .written = y.bytes()}; }
};

// dx = sum over the windows that hold this input of dy / divisor. ASSIGNS.
struct AvgPool2dBackward {
  static constexpr const char* name = "avg_pool2d_backward";
  Pool2dSpec spec;
  ConstView dy;  // shape of y
  View dx;       // shape of x

  void check() const {
    checks::pool2d(name, spec, {"dx", dx}, {"dy", dy});
    checks::activations(name, {{"dy", dy}, {"dx", dx}});
  }
  Cost cost() const { return {.read = dy.bytes(), .written = dx.bytes()}; }
};

// y = the mean over a picture's pixels. ASSIGNS.
struct GlobalAvgPoolForward {
  static constexpr const char* name = "global_avg_pool_forward";
  ConstView x;  // [N,H,W,C]
  View y;       // rows [N,C]

  void check() const {
    checks::global_pool(name, {"x", x}, {"y", y});
    checks::activations(name, {{"x", x}, {"y", y}});
  }
  Cost cost() const { return {.read = x.bytes(), .written = y.bytes()}; }
};

// dx = dy / (H * W). ASSIGNS.
struct GlobalAvgPoolBackward {
  static constexpr const char* name = "global_avg_pool_backward";
  ConstView dy;  // rows [N,C]
  View dx;       // [N,H,W,C]

  void check() const {
    checks::global_pool(name, {"dx", dx}, {"dy", dy});
    checks::activations(name, {{"dy", dy}, {"dx", dx}});
  }
  Cost cost() const { return {.read = dy.bytes(), .written = dx.bytes()}; }
};

}  // namespace thaw
