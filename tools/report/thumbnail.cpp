#include "tools/report/thumbnail.h"

#include <algorithm>

#include "io/picture/resize.h"
#include "io/picture/writer.h"

namespace thaw {

namespace {

std::string base64(const std::vector<std::uint8_t>& bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < left ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) text += k <= left ? digits[group >> (18 - 6 * k) & 63u] : '=';
  }
  return text;
}

}  // namespace

std::string thumbnail(const std::string& path, int side) {
  Image image = read_image(path, 3);
  const int longer = std::max(image.width, image.height);
  if (longer > side)
    image = resize_image(image, std::max(1, image.width * side / longer),
                         std::max(1, image.height * side / longer));
  return "data:image/png;base64," + base64(encode_png(image));
}

}  // namespace thaw
