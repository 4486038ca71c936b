// Pictures u8 [N,H,W,channels] to activations: scaled, mirrored, channels padded with 0.
#pragma once

#include "kernels/ops/normalize.h"
#include "kernels/reference/floats.h"

namespace thaw::reference {

// y = (x / 255 - mean) / std; flip[n] != 0 mirrors picture n left to right (flip null: none).
template <class T>
void normalize_u8(const std::uint8_t* x, Index channels, const T* mean, const T* std,
                  const std::uint8_t* flip, Image<T> y) {
  for (Index p = 0; p < y.pixels(); ++p) {
    const Index column = p % y.w, n = p / (y.h * y.w);
    const bool mirrored = flip != nullptr && flip[n] != 0;
    const std::uint8_t* from = x + (p - column + (mirrored ? y.w - 1 - column : column)) * channels;
    for (Index c = 0; c < y.c; ++c) {
      y.pixel(p)[c] =
          c >= channels
              ? T(0)
              : static_cast<T>((static_cast<double>(from[c]) / 255.0 - static_cast<double>(mean[c])) /
                               static_cast<double>(std[c]));
    }
  }
}

inline void run(const NormalizeU8& op) {
  normalize_u8<float>(op.x, op.channels, op.mean, op.std, op.flip, Output(op.y));
}

}  // namespace thaw::reference
