// torch.flatten(x, 1): rows in PyTorch's order C,H,W of pictures that lie as H,W,C.
#pragma once

#include "kernels/ops/flatten.h"
#include "kernels/reference/floats.h"

namespace thaw::reference {

// y[n, (c*H + h)*W + w] = x[n,h,w,c]
template <class T>
void flatten_forward(Image<const T> x, Image<T> y) {
  const Index area = x.h * x.w;
  for (Index p = 0; p < x.pixels(); ++p) {
    for (Index c = 0; c < x.c; ++c) y.pixel(p / area)[c * area + p % area] = x.pixel(p)[c];
  }
}

// ASSIGNS.
template <class T>
void flatten_backward(Image<const T> dy, Image<T> dx) {
  const Index area = dx.h * dx.w;
  for (Index p = 0; p < dx.pixels(); ++p) {
    for (Index c = 0; c < dx.c; ++c) dx.pixel(p)[c] = dy.pixel(p / area)[c * area + p % area];
  }
}

inline void run(const FlattenForward& op) {
  flatten_forward<float>(Input(op.x), Output(op.y));
}

inline void run(const FlattenBackward& op) {
  flatten_backward<float>(Input(op.dy), Output(op.dx));
}

}  // namespace thaw::reference
