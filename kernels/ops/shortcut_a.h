// The parameter-free shortcut of CIFAR ResNets (He et al. 2016, section 4.2, option A): every second pixel
// (rows and columns 0, 2, ...), its channels in the middle of the wider side's; the other channels are 0.
#pragma once

#include "kernels/ops/op.h"

namespace thaw {

namespace checks {

// `x`: the larger pictures, `y`: the wider ones.
inline void shortcut_a(const char* op, const Named& x, const Named& y) {
  const ConstView &a = x.view, &b = y.view;
  if (a.n != b.n || b.h != (a.h + 1) / 2 || b.w != (a.w + 1) / 2 || a.c > b.c)
    refuse(op, text(x) + " and " + text(y) + " do not fit; " + y.name +
                   " is half as high and wide, rounded up, and has as many channels at least");
}

}  // namespace checks

// y[n,h,w, (y.c - x.c) / 2 + c] = x[n,2h,2w,c], 0 elsewhere. ASSIGNS.
struct ShortcutAForward {
  static constexpr const char* name = "shortcut_a_forward";
  ConstView x;  // [N,H,W,C]
  View y;       // [N,ceil(H/2),ceil(W/2),K], K >= C

  void check() const {
    checks::shortcut_a(name, {"x", x}, {"y", y});
    checks::activations(name, {{"x", x}, {"y", y}});
  }
  Cost cost() const {
    return {.read = y.pixels() * x.c * static_cast<std::int64_t>(item_size(x.type)), .written = y.bytes()};
  }
};

// dx[n,2h,2w,c] = dy[n,h,w, (dy.c - dx.c) / 2 + c], 0 elsewhere. ASSIGNS.
struct ShortcutABackward {
  static constexpr const char* name = "shortcut_a_backward";
  ConstView dy;  // shape of y
  View dx;       // shape of x

  void check() const {
    checks::shortcut_a(name, {"dx", dx}, {"dy", dy});
    checks::activations(name, {{"dy", dy}, {"dx", dx}});
  }
  Cost cost() const {
    return {.read = dy.pixels() * dx.c * static_cast<std::int64_t>(item_size(dy.type)),
            .written = dx.bytes()};
  }
};

}  // namespace thaw
