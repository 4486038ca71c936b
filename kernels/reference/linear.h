// Linear layer as torch.nn.functional.linear: x rows [N,I], weight [O,I] row-major, y rows [N,O].
#pragma once

#include "kernels/ops/linear.h"
#include "kernels/reference/floats.h"

namespace thaw::reference {

// y[n,o] = sum_i x[n,i] weight[o,i] + bias[o]; bias may be null.
template <class T>
void linear_forward(Image<const T> x, const T* weight, const T* bias, Image<T> y) {
  for (Index n = 0; n < x.pixels(); ++n) {
    for (Index o = 0; o < y.c; ++o) {
      double sum = bias != nullptr ? static_cast<double>(bias[o]) : 0.0;
      for (Index i = 0; i < x.c; ++i) {
        sum += static_cast<double>(x.pixel(n)[i]) * static_cast<double>(weight[o * x.c + i]);
      }
      y.pixel(n)[o] = static_cast<T>(sum);
    }
  }
}

// dx[n,i] = sum_o dy[n,o] weight[o,i]. ASSIGNS.
template <class T>
void linear_backward_data(Image<const T> dy, const T* weight, Image<T> dx) {
  for (Index n = 0; n < dy.pixels(); ++n) {
    for (Index i = 0; i < dx.c; ++i) {
      double sum = 0.0;
      for (Index o = 0; o < dy.c; ++o) {
        sum += static_cast<double>(dy.pixel(n)[o]) * static_cast<double>(weight[o * dx.c + i]);
      }
      dx.pixel(n)[i] = static_cast<T>(sum);
    }
  }
}

// dweight[o,i] = sum_n dy[n,o] x[n,i].
template <class T>
void linear_backward_weight(Image<const T> x, Image<const T> dy, T* dweight, Into into) {
  for (Index o = 0; o < dy.c; ++o) {
    for (Index i = 0; i < x.c; ++i) {
      double sum = 0.0;
      for (Index n = 0; n < x.pixels(); ++n) {
        sum += static_cast<double>(dy.pixel(n)[o]) * static_cast<double>(x.pixel(n)[i]);
      }
      put(dweight[o * x.c + i], sum, into);
    }
  }
}

inline void run(const LinearForward& op) {
  const Input w(op.weight, op.x.c * op.y.c);
  linear_forward<float>(Input(op.x), w.data(), op.bias, Output(op.y));
}

inline void run(const LinearBackwardData& op) {
  const Input w(op.weight, op.dx.c * op.dy.c);
  linear_backward_data<float>(Input(op.dy), w.data(), Output(op.dx));
}

inline void run(const LinearBackwardWeight& op) {
  linear_backward_weight<float>(Input(op.x), Input(op.dy), op.dweight, op.into);
}

}  // namespace thaw::reference
