// BMP: 1, 4 and 8 bits with a palette, 16, 24 and 32 bits with masks or without; no compression. One parse of
// the header serves the size limits and the pixels. Layout: Microsoft, "Bitmap Storage" (wingdi.h).
#include <algorithm>
#include <bit>

#include "io/picture/decoders.h"
#include "kernels/error.h"

namespace thaw::image_detail {

namespace {

// Where a channel lies in a pixel of 16 or 32 bits: at most 8 bits in a row, which become 8 by repetition.
struct Channel {
  std::uint32_t mask = 0;

  bool valid(std::uint32_t bits) const {
    const int width = std::popcount(mask), end = width + std::countr_zero(mask);
    return width >= 1 && width <= 8 && mask >> (end - width) == (1u << width) - 1 &&
           end <= static_cast<int>(bits);
  }
  std::uint8_t of(std::uint32_t pixel) const {
    const int width = std::popcount(mask);
    const std::uint32_t value = (pixel & mask) >> std::countr_zero(mask) << (8 - width);
    std::uint32_t out = value;
    for (int shift = width; shift < 8; shift += width) out |= value >> shift;
    return static_cast<std::uint8_t>(out);
  }
};

struct BmpLayout {
  std::int64_t width = 0, height = 0;
  bool top_first = false;
  std::uint32_t bits = 0;
  Channel red, green, blue;
  std::size_t palette = 0;  // offset of its first entry
  std::size_t colours = 0, colour_bytes = 4;
  std::size_t data = 0, stride = 0;  // of the first row in the file, in bytes
};

constexpr std::size_t file_header = 14, core_header = 12, info_header = 40;

void read_masks(Bytes file, std::size_t header, std::uint32_t compression, BmpLayout& bmp) {
  bmp.red.mask = bmp.bits == 16 ? 0x7c00 : 0xff0000;
  bmp.green.mask = bmp.bits == 16 ? 0x03e0 : 0xff00;
  bmp.blue.mask = bmp.bits == 16 ? 0x001f : 0xff;
  if (compression != 3) return;
  const std::size_t at = file_header + info_header;  // behind a short header, in a longer one
  if (file.size() < at + 12) throw Error("corrupt BMP: premature end of the file");
  bmp.red.mask = little32(file, at);
  bmp.green.mask = little32(file, at + 4);
  bmp.blue.mask = little32(file, at + 8);
  if (header == info_header) bmp.palette += 12;
  const bool apart = ((bmp.red.mask & bmp.green.mask) | (bmp.red.mask & bmp.blue.mask) |
                      (bmp.green.mask & bmp.blue.mask)) == 0;
  if (!apart || !bmp.red.valid(bmp.bits) || !bmp.green.valid(bmp.bits) || !bmp.blue.valid(bmp.bits))
    throw Error("unsupported BMP: its colour masks are not three times 1 to 8 bits in a row");
}

void read_palette(std::uint32_t used, BmpLayout& bmp) {
  if (bmp.bits > 8) return;  // an optional one is only a hint
  const std::size_t most = std::size_t{1} << bmp.bits, room = (bmp.data - bmp.palette) / bmp.colour_bytes;
  bmp.colours = std::min({most, room, used == 0 ? most : std::size_t{used}});
}

// Throws Error unless the file holds all that the layout names.
BmpLayout parse(Bytes file, const ImageLimits& limits) {
  const Error premature_end("corrupt BMP: premature end of the file");
  if (file.size() < file_header + core_header) throw premature_end;
  const std::size_t header = little32(file, file_header);
  const bool core = header == core_header;
  if (!core && header != info_header && header != 56 && header != 108 && header != 124)
    throw Error("unsupported BMP: unknown header");
  if (file.size() < file_header + header) throw premature_end;
  BmpLayout bmp;
  bmp.palette = file_header + header;
  bmp.data = little32(file, 10);
  bmp.colour_bytes = core ? 3 : 4;
  std::uint32_t compression = 0, used = 0, planes = 0;
  if (core) {
    bmp.width = little16(file, 18);
    bmp.height = little16(file, 20);
    planes = little16(file, 22);
    bmp.bits = little16(file, 24);
  } else {
    bmp.width = static_cast<std::int32_t>(little32(file, 18));
    const std::int64_t height = static_cast<std::int32_t>(little32(file, 22));
    bmp.top_first = height < 0;
    bmp.height = bmp.top_first ? -height : height;
    planes = little16(file, 26);
    bmp.bits = little16(file, 28);
    compression = little32(file, 30);
    used = little32(file, 46);
  }
  check_size(bmp.width, bmp.height, limits);
  const bool masked = bmp.bits == 16 || bmp.bits == 32;
  if (compression != 0 && !(compression == 3 && masked))
    throw Error("unsupported BMP: compressed; save it as PNG");
  if (bmp.bits != 1 && bmp.bits != 4 && bmp.bits != 8 && bmp.bits != 24 && !masked)
    throw Error("corrupt BMP: " + std::to_string(bmp.bits) + " bits per pixel");
  if (planes != 1) throw Error("corrupt BMP: " + std::to_string(planes) + " planes instead of 1");
  if (masked) read_masks(file, header, compression, bmp);
  if (bmp.data < bmp.palette) throw Error("corrupt BMP: the pixels begin inside the header");
  read_palette(used, bmp);
  bmp.stride = (std::size_t{bmp.bits} * static_cast<std::size_t>(bmp.width) + 31) / 32 * 4;
  if (bmp.data > file.size() || (file.size() - bmp.data) / bmp.stride < static_cast<std::size_t>(bmp.height))
    throw premature_end;
  return bmp;
}

void read_indexed_row(Bytes row, Bytes palette, const BmpLayout& bmp, std::uint8_t* to) {
  for (std::size_t x = 0; x < static_cast<std::size_t>(bmp.width); ++x, to += 3) {
    const std::size_t bit = x * bmp.bits;
    const std::size_t index = row[bit / 8] >> (8 - bmp.bits - bit % 8) & ((1u << bmp.bits) - 1);
    if (index >= bmp.colours) throw Error("corrupt BMP: a pixel's index lies beyond the palette");
    const std::uint8_t* bgr = palette.data() + index * bmp.colour_bytes;
    to[0] = bgr[2], to[1] = bgr[1], to[2] = bgr[0];
  }
}

void read_row(Bytes row, const BmpLayout& bmp, std::uint8_t* to) {
  for (std::size_t x = 0; x < static_cast<std::size_t>(bmp.width); ++x, to += 3) {
    if (bmp.bits == 24) {
      to[0] = row[3 * x + 2], to[1] = row[3 * x + 1], to[2] = row[3 * x];
      continue;
    }
    const std::uint32_t pixel = bmp.bits == 16 ? little16(row, 2 * x) : little32(row, 4 * x);
    to[0] = bmp.red.of(pixel), to[1] = bmp.green.of(pixel), to[2] = bmp.blue.of(pixel);
  }
}

}  // namespace

ImageHeader bmp_header(Bytes file, const ImageLimits& limits) {
  const BmpLayout bmp = parse(file, limits);
  return {.width = static_cast<int>(bmp.width),
          .height = static_cast<int>(bmp.height),
          .channels = bmp.bits <= 8    ? 1
                      : bmp.bits == 32 ? 4
                                       : 3,
          .notes = {}};
}

Decoded decode_bmp(Bytes file, const ImageLimits& limits) {
  const BmpLayout bmp = parse(file, limits);
  Decoded decoded;
  Image& image = decoded.image;
  image.width = static_cast<int>(bmp.width);
  image.height = static_cast<int>(bmp.height);
  image.channels = 3;
  const auto height = static_cast<std::size_t>(bmp.height), packed = static_cast<std::size_t>(bmp.width) * 3;
  image.pixels.resize(packed * height);
  const Bytes palette = file.subspan(bmp.palette, bmp.colours * bmp.colour_bytes);
  for (std::size_t y = 0; y < height; ++y) {
    const Bytes row = file.subspan(bmp.data + (bmp.top_first ? y : height - 1 - y) * bmp.stride, bmp.stride);
    std::uint8_t* to = image.pixels.data() + y * packed;
    bmp.bits <= 8 ? read_indexed_row(row, palette, bmp, to) : read_row(row, bmp, to);
  }
  return decoded;
}

}  // namespace thaw::image_detail
