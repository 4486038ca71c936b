// Picture files to pixels: JPEG (libjpeg-turbo), PNG (libpng), BMP, PNM and TGA.
//
// The content decides the decoder, never the file's name. Size limits are checked from the header, before
// anything is decoded, and hold inside libpng and libjpeg too. EXIF orientation is applied. The decoders see
// only whole files in memory; nothing here is shared between calls, so any number of threads may decode at
// once and a file always gives the same bits.
//
// Colour, as Pillow's convert("RGB") and convert("L") do it:
//   - alpha and tRNS are dropped, the colour below them shows;
//   - CMYK and YCCK JPEGs become RGB by (255 - C)(255 - K) / 255 with Adobe's inverted values;
//   - L = (R * 19595 + G * 38470 + B * 7471 + 0x8000) >> 16; grey to RGB repeats the value;
//   - 16 bits become 8 by keeping the upper byte (for 16-bit grey PNG too, where Pillow clips to white).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace thaw {

struct ImageLimits {
  std::size_t file_bytes = std::size_t{64} << 20;
  int side = 32768;                  // pixels, width and height each
  std::int64_t pixels = 89'478'485;  // width * height; Pillow's warning level
  int jpeg_scans = 200;              // scans of a progressive JPEG
  bool strict = false;               // damage that is otherwise a notice (Image::notes) becomes an error
};

// 8-bit pixels [height][width][channels], packed. channels is 1 (grey) or 3 (R, G, B).
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<std::uint8_t> pixels{};
  std::vector<std::string>
      notes;  // what a careful user may want to know: "JPEG named .png", "missing end marker"
};

// What the first bytes of a file say.
struct ImageHeader {
  const char* format = "";  // "JPEG", "PNG", "BMP", "PNM", "TGA"
  int width = 0;            // as stored, before orientation
  int height = 0;
  int channels = 0;   // as stored: 1, 2 (grey + alpha), 3, 4; 1 for a palette
  bool exif = false;  // JPEG, PNG: has_exif
  std::vector<std::string> notes{};
};

// Decodes a whole file held in memory. `name` stands in messages. Throws Error naming the file and the
// reason: unknown or unsupported format, over a limit, truncated, corrupt.
Image decode_image(std::span<const std::uint8_t> bytes, int channels, const std::string& name,
                   const ImageLimits& limits = {});

// Reads and decodes a file. Only regular files are opened, so a FIFO never blocks. Throws like decode_image.
Image read_image(const std::string& path, int channels, const ImageLimits& limits = {});

// Reads only the header and checks format and limits; pixels behind it may still be damaged. Throws like
// read_image.
ImageHeader image_header(const std::string& path, const ImageLimits& limits = {});
ImageHeader image_header(std::span<const std::uint8_t> bytes, const std::string& name,
                         const ImageLimits& limits = {});

// The bytes of a regular file of at most `limit` bytes; anything else is not opened. Throws Error naming the
// file.
std::vector<std::uint8_t> read_picture_file(const std::string& path, std::size_t limit);

// The same picture with 1 or 3 channels.
Image convert_channels(Image image, int channels);

}  // namespace thaw
