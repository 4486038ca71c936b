// EXIF: whether it is there, and its one field that changes pixels, orientation.
#pragma once

#include <cstdint>
#include <span>

#include "io/picture/image.h"

namespace thaw {

// Orientation 1..8 of a TIFF block ("II*" or "MM*" first, without the "Exif\0\0" in front). Anything missing,
// broken or out of range gives 1: broken EXIF never makes a picture unreadable. Reads only the first
// directory.
int exif_orientation(std::span<const std::uint8_t> tiff);

// Whether a JPEG or PNG file says by its first bytes that it has an EXIF block, as cameras write it.
bool has_exif(std::span<const std::uint8_t> file);

// The picture as it was meant to be seen (EXIF 2.32, tag 0x0112): 2 mirrored, 3 turned by 180 degrees, 4
// upside down, 5 transposed, 6 to be turned clockwise, 7 transposed over the other diagonal, 8 to be turned
// counter-clockwise.
Image apply_orientation(Image image, int orientation);

}  // namespace thaw
