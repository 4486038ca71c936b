// A number that stays nearly the same when a picture is resized or saved again.
#pragma once

#include <bitset>

#include "io/picture/image.h"

namespace thaw {

using PictureHash = std::bitset<128>;

// Krawetz' difference hash in both directions: the grey picture is made 9x8 and 8x9 pixels large, and each bit says whether
// a pixel is brighter than the next. Hashes that differ in few bits (count() of a ^ b) mean pictures that look alike.
PictureHash difference_hash(const Image& image);

// Whether all pixels are the same.
bool one_colour(const Image& image);

}  // namespace thaw
