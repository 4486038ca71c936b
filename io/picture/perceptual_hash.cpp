#include "io/picture/perceptual_hash.h"

#include <algorithm>

#include "io/picture/resize.h"

namespace thaw {

PictureHash difference_hash(const Image& image) {
  constexpr int side = 8;
  const Image grey = convert_channels(image, 1);
  const Image wide = resize_image(grey, side + 1, side), high = resize_image(grey, side, side + 1);
  PictureHash hash;
  std::size_t bit = 0;
  for (std::ptrdiff_t y = 0; y < side; ++y)
    for (std::ptrdiff_t x = 0; x < side; ++x) {
      const std::uint8_t* w = wide.pixels.data() + y * (side + 1) + x;
      const std::uint8_t* h = high.pixels.data() + y * side + x;
      hash[bit++] = w[0] > w[1];
      hash[bit++] = h[0] > h[side];
    }
  return hash;
}

bool one_colour(const Image& image) {
  const auto channels = static_cast<std::size_t>(image.channels);
  return std::equal(image.pixels.begin() + static_cast<std::ptrdiff_t>(channels), image.pixels.end(),
                    image.pixels.begin());
}

}  // namespace thaw
