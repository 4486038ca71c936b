// Writing pictures: 8-bit PNG, by stb_image_write.
#pragma once

#include <string>

#include "io/image.h"

namespace thaw {

// Writes a grey or RGB picture. Throws Error naming the file when it can't be written. The same pixels give
// the same bytes.
void write_png(const std::string& path, const Image& image);

}  // namespace thaw
