// Writing pictures: 8-bit PNG, by stb_image_write.
#pragma once

#include <string>

#include "io/picture/image.h"

namespace thaw {

// The bytes of a PNG file of a grey or RGB picture. The same pixels give the same bytes.
std::vector<std::uint8_t> encode_png(const Image& image);

// Writes them. Throws Error naming the file when it can't be written.
void write_png(const std::string& path, const Image& image);

}  // namespace thaw
