// The parameter-free shortcut of CIFAR ResNets (He et al. 2016, section 4.2, option A).
#pragma once

#include "kernels/ops/shortcut_a.h"
#include "kernels/reference/floats.h"

namespace thaw::reference {

// Every second pixel of x, its channels in the middle of y's; the other channels are 0.
template <class T>
void shortcut_a_forward(Image<const T> x, Image<T> y) {
  const Index first = (y.c - x.c) / 2;
  for (Index p = 0; p < y.pixels(); ++p) {
    const T* from = x.at(p / (y.h * y.w), p / y.w % y.h * 2, p % y.w * 2);
    for (Index c = 0; c < y.c; ++c) {
      y.pixel(p)[c] = c >= first && c < first + x.c ? from[c - first] : T(0);
    }
  }
}

// ASSIGNS.
template <class T>
void shortcut_a_backward(Image<const T> dy, Image<T> dx) {
  const Index first = (dy.c - dx.c) / 2;
  for (Index p = 0; p < dx.pixels(); ++p) {
    const Index y = p / dx.w % dx.h, x = p % dx.w;
    const bool taken = y % 2 == 0 && x % 2 == 0;
    for (Index c = 0; c < dx.c; ++c) {
      dx.pixel(p)[c] = taken ? dy.at(p / (dx.h * dx.w), y / 2, x / 2)[first + c] : T(0);
    }
  }
}

inline void run(const ShortcutAForward& op) {
  shortcut_a_forward<float>(Input(op.x), Output(op.y));
}

inline void run(const ShortcutABackward& op) {
  shortcut_a_backward<float>(Input(op.dy), Output(op.dx));
}

}  // namespace thaw::reference
