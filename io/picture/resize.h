// Antialiased bilinear resizing with the arithmetic of Pillow's Image.resize(size, BILINEAR): a triangle
// filter whose support grows with the scale, two passes (horizontal first), 8-bit between them, 22-bit
// fixed-point coefficients.
#pragma once

#include "io/picture/image.h"

namespace thaw {

// A part of a picture, or of a resized picture, in whole pixels.
struct Box {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

// Resizes all of `image` to width x height. The same size gives a copy. Throws Error when a size is not
// positive.
Image resize_image(const Image& image, int width, int height);

// Crops `box`, which must lie in the picture, resizes the crop to width x height and writes the part `window`
// of that to `out` (window.width * window.height * channels bytes). Only what the window needs is computed.
// Pixels outside the box take no part, as in torchvision's resized_crop. Throws Error on a box or window that
// is empty or doesn't fit.
void resize_into(const Image& image, const Box& box, int width, int height, const Box& window,
                 std::uint8_t* out);

}  // namespace thaw
