// Copies and sums of activations. A concatenation is a copy into a channel slice.
#pragma once

#include "kernels/ops/elementwise.h"
#include "kernels/reference/floats.h"

namespace thaw::reference {

template <class T>
void copy(Image<const T> x, Image<T> y, Into into) {
  for (Index p = 0; p < y.pixels(); ++p) {
    for (Index c = 0; c < y.c; ++c) put(y.pixel(p)[c], static_cast<double>(x.pixel(p)[c]), into);
  }
}

template <class T>
void add(Image<const T> a, Image<const T> b, Image<T> y) {
  for (Index p = 0; p < y.pixels(); ++p) {
    for (Index c = 0; c < y.c; ++c) {
      y.pixel(p)[c] = static_cast<T>(static_cast<double>(a.pixel(p)[c]) + static_cast<double>(b.pixel(p)[c]));
    }
  }
}

inline void run(const Copy& op) {
  copy<float>(Input(op.x), Output(op.y), op.into);
}

inline void run(const Add& op) {
  add<float>(Input(op.a), Input(op.b), Output(op.y));
}

}  // namespace thaw::reference
