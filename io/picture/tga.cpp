// TGA: grey, colour and mapped colour, with runs or without. One parse of the header serves the size limits
// and the pixels. Layout: Truevision TGA File Format Specification 2.0.
#include "io/picture/decoders.h"
#include "kernels/error.h"

namespace thaw::image_detail {

namespace {

enum TgaType { mapped = 1, colour = 2, grey = 3 };

struct TgaLayout {
  std::int64_t width = 0, height = 0;
  int type = 0;
  bool runs = false, top_first = false, right_first = false;
  std::size_t pixel_bytes = 0, entry_bytes = 0;
  std::size_t map = 0, first = 0,
              entries = 0;  // offset of the colour map; its entries are first, first + 1, ...
  std::size_t data = 0;     // offset of the pixels
};

std::size_t bytes_of(int bits) {
  return static_cast<std::size_t>((bits + 7) / 8);
}

TgaLayout parse(Bytes file, const ImageLimits& limits) {
  TgaLayout tga;
  tga.type = file[2] & 7;
  tga.runs = file[2] >= 8;
  tga.width = little16(file, 12);
  tga.height = little16(file, 14);
  tga.pixel_bytes = bytes_of(file[16]);
  tga.right_first = (file[17] & 0x10) != 0;
  tga.top_first = (file[17] & 0x20) != 0;
  check_size(tga.width, tga.height, limits);
  if (file[1] == 1) {
    tga.first = little16(file, 3);
    tga.entries = little16(file, 5);
    tga.entry_bytes = bytes_of(file[7]);
    if (tga.type == mapped && (file[7] < 15 || file[7] > 32))
      throw Error("unsupported TGA: a colour map of " + std::to_string(file[7]) + " bits");
  }
  tga.map = 18 + std::size_t{file[0]};
  tga.data = tga.map + tga.entries * tga.entry_bytes;
  return tga;
}

// Pixels of the file one after another, unpacked from runs. Throws Error at its end.
class TgaPixels {
 public:
  TgaPixels(Bytes file, const TgaLayout& tga) : file_(file), tga_(tga), at_(tga.data) {}

  Bytes next() {
    if (tga_.runs && left_ == 0) {
      const std::uint8_t packet = take(1)[0];
      left_ = (packet & 127u) + 1;
      repeats_ = (packet & 128) != 0;
      if (repeats_) pixel_ = take(tga_.pixel_bytes);
    }
    if (tga_.runs) --left_;
    if (!repeats_) pixel_ = take(tga_.pixel_bytes);
    return pixel_;
  }

 private:
  Bytes take(std::size_t count) {
    if (at_ > file_.size() || count > file_.size() - at_)
      throw Error("corrupt TGA: premature end of the file");
    at_ += count;
    return file_.subspan(at_ - count, count);
  }

  Bytes file_;
  const TgaLayout& tga_;
  std::size_t at_;
  std::uint32_t left_ = 0;  // pixels of the packet
  bool repeats_ = false;
  Bytes pixel_;
};

// 15 and 16 bits, or B, G, R and what follows.
void write_rgb(Bytes entry, std::uint8_t* to) {
  if (entry.size() > 2) {
    to[0] = entry[2], to[1] = entry[1], to[2] = entry[0];
    return;
  }
  const std::uint32_t bits = little16(entry, 0);
  for (int c = 0; c < 3; ++c) to[c] = static_cast<std::uint8_t>((bits >> (10 - 5 * c) & 31) * 255 / 31);
}

// The entry of the colour map that a pixel names.
Bytes entry_of(Bytes pixel, Bytes file, const TgaLayout& tga) {
  const std::size_t index = pixel.size() == 1 ? pixel[0] : little16(pixel, 0);
  if (index < tga.first || index - tga.first >= tga.entries)
    throw Error("corrupt TGA: a pixel's index lies beyond the colour map");
  return file.subspan(tga.map + (index - tga.first) * tga.entry_bytes, tga.entry_bytes);
}

}  // namespace

bool looks_like_tga(Bytes file) {
  if (file.size() < 18) return false;
  const int map = file[1], type = file[2] & ~8, bits = file[16];
  if (map > 1 || type < mapped || type > grey || (file[17] & 0xc0) != 0) return false;
  const bool known = type == mapped ? map == 1 && (bits == 8 || bits == 16)
                     : type == grey ? bits == 8 || bits == 16
                                    : bits == 15 || bits == 16 || bits == 24 || bits == 32;
  return known && little16(file, 12) > 0 && little16(file, 14) > 0;
}

ImageHeader tga_header(Bytes file, const ImageLimits& limits) {
  const TgaLayout tga = parse(file, limits);
  TgaPixels pixels(file, tga);
  for (std::int64_t i = 0; i < tga.width * tga.height; ++i) pixels.next();  // all of them must be there
  return {.width = static_cast<int>(tga.width),
          .height = static_cast<int>(tga.height),
          .channels = tga.type == grey       ? static_cast<int>(tga.pixel_bytes)
                      : tga.type == mapped   ? 1
                      : tga.pixel_bytes == 4 ? 4
                                             : 3,
          .notes = {}};
}

Decoded decode_tga(Bytes file, const ImageLimits& limits) {
  tga_header(file, limits);  // memory for pixels that are there
  const TgaLayout tga = parse(file, limits);
  Decoded decoded;
  Image& image = decoded.image;
  image.width = static_cast<int>(tga.width);
  image.height = static_cast<int>(tga.height);
  image.channels = tga.type == grey ? 1 : 3;
  const auto width = static_cast<std::size_t>(tga.width), height = static_cast<std::size_t>(tga.height),
             channels = static_cast<std::size_t>(image.channels);
  image.pixels.resize(width * height * channels);
  TgaPixels pixels(file, tga);
  for (std::size_t row = 0; row < height; ++row) {
    const std::size_t y = tga.top_first ? row : height - 1 - row;
    for (std::size_t column = 0; column < width; ++column) {
      const std::size_t x = tga.right_first ? width - 1 - column : column;
      std::uint8_t* to = image.pixels.data() + (y * width + x) * channels;
      const Bytes pixel = pixels.next();
      if (tga.type == grey)
        *to = pixel[0];
      else
        write_rgb(tga.type == mapped ? entry_of(pixel, file, tga) : pixel, to);
    }
  }
  return decoded;
}

}  // namespace thaw::image_detail
