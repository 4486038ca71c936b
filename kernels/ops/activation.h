// ReLU. In place allowed.
#pragma once

#include "kernels/ops/op.h"

namespace thaw {

// y = max(x, 0), NaN stays NaN. ASSIGNS.
struct ReluForward {
  static constexpr const char* name = "relu_forward";
  ConstView x;  // [N,H,W,C]
  View y;       // shape of x

  void check() const {
    checks::same_shape(name, {"x", x}, {"y", y});
    checks::activations(name, {{"x", x}, {"y", y}});
  }
  Cost cost() const { return {.read = x.bytes(), .written = y.bytes()}; }
};

// dx = y > 0 ? dy : 0. ASSIGNS.
struct ReluBackward {
  static constexpr const char* name = "relu_backward";
  ConstView dy;  // [N,H,W,C]
  ConstView y;   // shape of dy
  View dx;       // shape of dy

  void check() const {
    checks::same_shape(name, {"dy", dy}, {"y", y});
    checks::same_shape(name, {"dy", dy}, {"dx", dx});
    checks::activations(name, {{"dy", dy}, {"y", y}, {"dx", dx}});
  }
  Cost cost() const { return {.read = dy.bytes() + y.bytes(), .written = dx.bytes()}; }
};

}  // namespace thaw
