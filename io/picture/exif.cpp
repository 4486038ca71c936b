#include "io/picture/exif.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace thaw {

namespace {

// Reads little- or big-endian numbers at offsets that may lie outside the block.
struct TiffReader {
  std::span<const std::uint8_t> data;
  bool big = false;

  bool has(std::uint64_t at, std::uint64_t count) const { return at + count <= data.size(); }
  std::uint32_t u16(std::uint64_t at) const {
    const std::uint32_t a = data[at], b = data[at + 1];
    return big ? a << 8 | b : b << 8 | a;
  }
  std::uint32_t u32(std::uint64_t at) const {
    const std::uint32_t a = u16(at), b = u16(at + 2);
    return big ? a << 16 | b : b << 16 | a;
  }
};

}  // namespace

int exif_orientation(std::span<const std::uint8_t> tiff) {
  constexpr std::uint32_t tag_orientation = 0x0112, type_short = 3;
  TiffReader reader{tiff};
  if (!reader.has(0, 8)) return 1;
  if (std::memcmp(tiff.data(), "MM\0*", 4) == 0) {
    reader.big = true;
  } else if (std::memcmp(tiff.data(), "II*\0", 4) != 0) {
    return 1;
  }
  const std::uint64_t directory = reader.u32(4);
  if (!reader.has(directory, 2)) return 1;
  const std::uint32_t entries = reader.u16(directory);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::uint64_t at = directory + 2 + std::uint64_t{i} * 12;
    if (!reader.has(at, 12)) return 1;
    if (reader.u16(at) != tag_orientation) continue;
    if (reader.u16(at + 2) != type_short || reader.u32(at + 4) != 1) return 1;
    const std::uint32_t value = reader.u16(at + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

bool has_exif(std::span<const std::uint8_t> file) {
  constexpr std::size_t most = 4096;  // cameras write it first
  const std::string_view start(reinterpret_cast<const char*>(file.data()), std::min(file.size(), most));
  return start.find(std::string_view("Exif\0\0", 6)) != start.npos ||
         (start.starts_with("\x89PNG") && start.find("eXIf") != start.npos);
}

Image apply_orientation(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const int w = image.width, h = image.height, channels = image.channels;
  const bool swapped = orientation >= 5;
  Image turned{.width = swapped ? h : w,
               .height = swapped ? w : h,
               .channels = channels,
               .pixels = {},
               .notes = image.notes};
  turned.pixels.resize(image.pixels.size());
  std::uint8_t* to = turned.pixels.data();
  for (int y = 0; y < turned.height; ++y) {
    for (int x = 0; x < turned.width; ++x) {
      const int u = swapped ? y : x, v = swapped ? x : y;  // along the source's width and height
      const bool mirror_u = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
      const bool mirror_v = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
      const std::size_t sx = static_cast<std::size_t>(mirror_u ? w - 1 - u : u);
      const std::size_t sy = static_cast<std::size_t>(mirror_v ? h - 1 - v : v);
      const std::uint8_t* from = image.pixels.data() + (sy * static_cast<std::size_t>(w) + sx) * channels;
      for (int c = 0; c < channels; ++c) *to++ = from[c];
    }
  }
  return turned;
}

}  // namespace thaw
