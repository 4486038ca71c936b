// Test data: values in double that a device's type holds exactly, so that the oracle and the device see the
// same input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/reference/image.h"
#include "tests/support/devices.h"

namespace thaw::test {

using reference::Index;
using Doubles = std::vector<double>;

// `value` rounded to f32 or bf16.
double rounded(double value, DType type);

// `count` values, uniform in [low, high), from Philox stream `seed`, each rounded to `type`.
Doubles random_values(Index count, std::uint64_t seed, DType type, double low = -1.0, double high = 1.0);

std::vector<float> floats(const Doubles& values);
Doubles doubles(const std::vector<float>& values);
Doubles absolute(Doubles values);

// What a case of an op runs over: [N,H,W,C], as channels [gap, gap + c) of pixels that are 2 * gap + c wide.
struct Extent {
  Index n, h, w, c, gap = 0;
  std::string text() const;
};

// What an op over activations must get right: one value; channels that fill no vector; slices that begin on a vector's
// boundary and beside it; one pixel; several tiles of channels; more pixels than one pass of the emulated GPU's grid.
inline constexpr Extent extents[] = {{1, 1, 1, 1},   {2, 5, 7, 3},     {2, 4, 4, 12, 5},   {2, 3, 4, 12},
                                     {3, 3, 3, 17},  {2, 3, 3, 24, 8}, {2, 3, 5, 8, 2},    {1, 1, 1, 17, 2},
                                     {4, 1, 1, 512}, {2, 2, 2, 520},   {2, 9, 9, 160, 48}, {4, 16, 16, 64},
                                     {3, 37, 41, 8}, {3, 41, 43, 5, 2}};

// And for an op that sums over the pixels: more parts on an H100 than one pass of the kernel that finishes them takes.
std::vector<Extent> extents_of_sums();

// Packed activations [N,H,W,C] on the host.
struct Values {
  Index n = 0, h = 1, w = 1, c = 0;
  Doubles v;

  Values() = default;
  explicit Values(const Extent& e) : Values(e.n, e.h, e.w, e.c) {}
  Values(Index pictures, Index height, Index width, Index channels)
      : n(pictures), h(height), w(width), c(channels), v(static_cast<std::size_t>(n * h * w * c)) {}
  Index pixels() const { return n * h * w; }
  double& at(Index picture, Index y, Index x, Index channel) {
    return v[static_cast<std::size_t>(((picture * h + y) * w + x) * c + channel)];
  }
  reference::Image<double> image() { return {v.data(), n, h, w, c, c}; }
  reference::Image<const double> image() const { return {v.data(), n, h, w, c, c}; }
};

Values random_image(Index n, Index h, Index w, Index c, std::uint64_t seed, DType type);
Values random_image(const Extent& extent, std::uint64_t seed, DType type);
Values absolute(Values values);

// Activations on a device, as channels [gap, gap + c) of a buffer whose pixels are 2 * gap + c wide.
// Everything in the buffer begins as 8: an op that assigns must overwrite it, one that adds must keep it, and
// what lies outside the slice must still be 8 afterwards. The buffer ends with the slice: behind its last value lies
// memory that an emulated GPU and AddressSanitizer guard.
class Activations {
 public:
  static constexpr double prefill = 8.0;

  Activations(const Device& device, Index n, Index h, Index w, Index c, Index gap = 0);
  Activations(const Device& device, const Extent& extent)
      : Activations(device, extent.n, extent.h, extent.w, extent.c, extent.gap) {}
  Activations(const Device& device, const Values& values, Index gap = 0);

  View view() const;
  Values host() const;
  bool outside_untouched() const;

 private:
  std::vector<float> everything() const;

  Device device_;
  Index n_, h_, w_, c_, gap_;
  Array<std::uint8_t> bytes_;
};

// Weights in the device's type.
class DeviceWeights {
 public:
  DeviceWeights(const Device& device, const Doubles& values);
  Weights weights() const { return {bytes_.data(), type_}; }

 private:
  DType type_;
  Array<std::uint8_t> bytes_;
};

}  // namespace thaw::test
