// torch.flatten(x, 1): rows in PyTorch's order C,H,W of pictures that lie as H,W,C.
#pragma once

#include "kernels/ops/op.h"

namespace thaw {

namespace checks {

// `x` holds the pictures, `y` the rows.
inline void flatten(const char* op, const Named& x, const Named& y) {
  const ConstView &p = x.view, &r = y.view;
  if (r.pixels() != p.n || r.c != p.c * p.h * p.w)
    refuse(op, text(x) + " and " + text(y) + " do not fit; " + y.name +
                   " has a row of C * H * W for each picture");
}

}  // namespace checks

// y[n, (c*H + h)*W + w] = x[n,h,w,c]. ASSIGNS.
struct FlattenForward {
  static constexpr const char* name = "flatten_forward";
  ConstView x;  // [N,H,W,C]
  View y;       // rows [N,C*H*W]

  void check() const {
    checks::flatten(name, {"x", x}, {"y", y});
    checks::activations(name, {{"x", x}, {"y", y}});
  }
  Cost cost() const { return {.read = x.bytes(), .written = y.bytes()}; }
};

// dx[n,h,w,c] = dy[n, (c*H + h)*W + w]. ASSIGNS.
struct FlattenBackward {
  static constexpr const char* name = "flatten_backward";
  ConstView dy;  // rows [N,C*H*W]
  View dx;       // [N,H,W,C]

  void check() const {
    checks::flatten(name, {"dx", dx}, {"dy", dy});
    checks::activations(name, {{"dy", dy}, {"dx", dx}});
  }
  Cost cost() const { return {.read = dy.bytes(), .written = dx.bytes()}; }
};

}  // namespace thaw
