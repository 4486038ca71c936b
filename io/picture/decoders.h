// The decoders behind decode_image, one per library. Their errors carry the reason only; io/picture/image.cpp
// adds the file.
#pragma once

#include <cstdint>
#include <span>

#include "io/picture/image.h"

namespace thaw::image_detail {

using Bytes = std::span<const std::uint8_t>;

struct Decoded {
  Image image;          // 1 or 3 channels, as the file has it
  int orientation = 1;  // EXIF's 1..8, not yet applied
};

// Little-endian numbers; the caller has checked the bounds.
inline std::uint32_t little16(Bytes file, std::size_t at) {
  return static_cast<std::uint32_t>(file[at] | file[at + 1] << 8);
}
inline std::uint32_t little32(Bytes file, std::size_t at) {
  return little16(file, at) | little16(file, at + 2) << 16;
}

// Throws Error when a picture of this size is over the limits, or empty. Every decoder asks with the size
// that it decodes by, before it takes memory for it.
void check_size(std::int64_t width, std::int64_t height, const ImageLimits& limits);

ImageHeader jpeg_header(Bytes file, const ImageLimits& limits);
Decoded decode_jpeg(Bytes file, const ImageLimits& limits);

ImageHeader png_header(Bytes file, const ImageLimits& limits);
Decoded decode_png(Bytes file, const ImageLimits& limits);

// P5 and P6 with up to 16 bits (scaled to 255 by the file's maximum value). The plain-text P1..P3 are
// refused.
ImageHeader pnm_header(Bytes file, const ImageLimits& limits);
Decoded decode_pnm(Bytes file, const ImageLimits& limits);

// Both throw Error unless the file holds all pixels, and when a pixel's index names no colour of the file.
bool looks_like_tga(Bytes file);  // TGA has no signature: a header with plausible fields
ImageHeader bmp_header(Bytes file, const ImageLimits& limits);
ImageHeader tga_header(Bytes file, const ImageLimits& limits);
Decoded decode_bmp(Bytes file, const ImageLimits& limits);
Decoded decode_tga(Bytes file, const ImageLimits& limits);

}  // namespace thaw::image_detail
