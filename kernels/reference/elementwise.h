// Sums of activations. In place allowed.
#pragma once

#include "kernels/reference/image.h"

namespace thaw::reference {

template <class T>
void add(Image<const T> a, Image<const T> b, Image<T> y) {
  for (Index p = 0; p < y.pixels(); ++p) {
    for (Index c = 0; c < y.c; ++c) {
      y.pixel(p)[c] = static_cast<T>(static_cast<double>(a.pixel(p)[c]) + static_cast<double>(b.pixel(p)[c]));
    }
  }
}

}  // namespace thaw::reference
