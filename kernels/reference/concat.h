// Copies between views: a concatenation is a copy into a channel slice.
#pragma once

#include "kernels/reference/image.h"

namespace thaw::reference {

template <class T>
void copy(Image<const T> x, Image<T> y, Into into) {
  for (Index p = 0; p < y.pixels(); ++p) {
    for (Index c = 0; c < y.c; ++c) put(y.pixel(p)[c], static_cast<double>(x.pixel(p)[c]), into);
  }
}

}  // namespace thaw::reference
