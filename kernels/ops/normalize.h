// Pictures to activations: the first op of every step.
#pragma once

#include "kernels/ops/op.h"

namespace thaw {

// y[n,h,w,k] = (x[n,h,w',k] / 255 - mean[k]) / std[k] for k < channels, 0 for channels <= k < y.c;
// w' = W-1-w where flip[n] != 0. ASSIGNS.
struct NormalizeU8 {
  static constexpr const char* name = "normalize_u8";
  const std::uint8_t* x;  // [N,H,W,channels] packed
  std::int64_t channels;
  const float* mean;                   // [channels]
  const float* std;                    // [channels]
  const std::uint8_t* flip = nullptr;  // [N]; null: no picture is mirrored
  View y;                              // [N,H,W,C], C >= channels

  void check() const {
    checks::activations(name, {"y", y});
    if (channels < 1 || channels > y.c)
      checks::refuse(name, checks::text({"y", y}) + " for pictures of " + std::to_string(channels) +
                               " channels; y needs at least as many, and pictures one");
  }
  Cost cost() const {
    return {.read = y.pixels() * channels + 8 * channels + (flip ? y.n : 0), .written = y.bytes()};
  }
};

}  // namespace thaw
