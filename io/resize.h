// Antialiased bilinear resizing with the arithmetic of Pillow's Image.resize(size, BILINEAR, box): a triangle
// filter whose support grows with the scale, two passes (horizontal first), 8-bit between them, 22-bit
// fixed-point coefficients.
#pragma once

#include "io/image.h"

namespace thaw {

// A part of a picture in pixels; right and bottom are exclusive.
struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};

// Resizes all of `image` to width x height. The same size gives a copy. Throws Error when a size is not
// positive.
Image resize_image(const Image& image, int width, int height);

// Resizes the part `box`, which must lie in the picture and not be empty. Pixels outside it take no part.
Image resize_image(const Image& image, int width, int height, const Box& box);

// The part [left, left + width) x [top, top + height); what lies outside the picture is 0.
Image crop_image(const Image& image, int left, int top, int width, int height);

}  // namespace thaw
