// ReLU. In place allowed.
#pragma once

#include "kernels/ops/activation.h"
#include "kernels/reference/floats.h"

namespace thaw::reference {

// y = max(x, 0); NaN stays NaN.
template <class T>
void relu_forward(Image<const T> x, Image<T> y) {
  for (Index p = 0; p < x.pixels(); ++p) {
    for (Index c = 0; c < x.c; ++c) y.pixel(p)[c] = static_cast<T>(relu(static_cast<double>(x.pixel(p)[c])));
  }
}

// dx = y > 0 ? dy : 0. ASSIGNS.
template <class T>
void relu_backward(Image<const T> dy, Image<const T> y, Image<T> dx) {
  for (Index p = 0; p < dy.pixels(); ++p) {
    for (Index c = 0; c < dy.c; ++c) dx.pixel(p)[c] = y.pixel(p)[c] > T(0) ? dy.pixel(p)[c] : T(0);
  }
}

inline void run(const ReluForward& op) {
  relu_forward<float>(Input(op.x), Output(op.y));
}

inline void run(const ReluBackward& op) {
  relu_backward<float>(Input(op.dy), Input(op.y), Output(op.dx));
}

}  // namespace thaw::reference
