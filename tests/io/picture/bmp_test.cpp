// BMP: every kind that is read, and that no bit of a picture comes from anywhere but its file.
#include <doctest/doctest.h>

#include "tests/io/picture/image_files.h"
#include "tests/io/picture/poisoned_stack.h"

using namespace thaw;
using namespace thaw::test;

namespace {

void put(FileBytes& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i, value >>= 8) out.push_back(static_cast<std::uint8_t>(value));
}

struct BmpKind {
  std::int32_t width = 2, height = 1;
  std::uint32_t bits = 24, compression = 0, header = 40, colours = 0, planes = 1;
  std::int64_t offset = -1;  // of the pixels; -1: behind header, masks and palette
};

// `palette` and `masks` lie behind the header's first 40 bytes as they come.
FileBytes bmp(const BmpKind& k, const FileBytes& palette, const FileBytes& pixels,
              const FileBytes& masks = {}) {
  FileBytes out{'B', 'M'};
  put(out, 0, 8);
  const std::size_t extra = k.header > 40 ? k.header - 40 : masks.size();
  put(out,
      static_cast<std::uint32_t>(k.offset >= 0 ? k.offset
                                               : 14 + std::min(k.header, 40u) + extra + palette.size()),
      4);
  put(out, k.header, 4);
  const int field = k.header == 12 ? 2 : 4;
  put(out, static_cast<std::uint32_t>(k.width), field);
  put(out, static_cast<std::uint32_t>(k.height), field);
  put(out, k.planes, 2);
  put(out, k.bits, 2);
  if (k.header != 12) {
    put(out, k.compression, 4);
    put(out, 0, 12);
    put(out, k.colours, 4);
    put(out, 0, 4);
    out.insert(out.end(), masks.begin(), masks.end());
    out.resize(54 + extra);
  }
  out.insert(out.end(), palette.begin(), palette.end());
  out.insert(out.end(), pixels.begin(), pixels.end());
  return out;
}

FileBytes pixels_of(const FileBytes& file) {
  return decode_image(file, 3, "a.bmp").pixels;
}

const FileBytes two_colours{1, 2, 3, 0, 40, 50, 60, 0};  // B, G, R, 0

}  // namespace

TEST_CASE("BMP: palettes of 1, 4 and 8 bits; BGR, BGRA and 5 bits a channel; OS/2; rows from the top") {
  CHECK(pixels_of(bmp({.width = 3, .bits = 1}, two_colours, {0b01000000, 0, 0, 0})) ==
        FileBytes{3, 2, 1, 60, 50, 40, 3, 2, 1});
  CHECK(pixels_of(bmp({.bits = 4, .colours = 2}, two_colours, {0x10, 0, 0, 0})) ==
        FileBytes{60, 50, 40, 3, 2, 1});
  CHECK(pixels_of(bmp({.bits = 8, .colours = 2}, two_colours, {1, 0, 9, 9})) ==
        FileBytes{60, 50, 40, 3, 2, 1});
  CHECK(pixels_of(bmp({.bits = 24}, {}, {1, 2, 3, 4, 5, 6, 0, 0})) == FileBytes{3, 2, 1, 6, 5, 4});
  CHECK(pixels_of(bmp({.width = 1, .bits = 32}, {}, {1, 2, 3, 0})) == FileBytes{3, 2, 1});
  CHECK(pixels_of(bmp({.bits = 16}, {}, {0xff, 0x7f, 0x00, 0x40})) == FileBytes{255, 255, 255, 132, 0, 0});
  CHECK(pixels_of(bmp({.bits = 24, .header = 12}, {}, {1, 2, 3, 4, 5, 6, 0, 0})) ==
        FileBytes{3, 2, 1, 6, 5, 4});
  CHECK(pixels_of(bmp({.bits = 8, .header = 12}, {1, 2, 3, 40, 50, 60}, {1, 0, 0, 0})) ==
        FileBytes{60, 50, 40, 3, 2, 1});
  const FileBytes rows{1, 2, 3, 0, 4, 5, 6, 0};
  CHECK(pixels_of(bmp({.width = 1, .height = 2}, {}, rows)) == FileBytes{6, 5, 4, 3, 2, 1});
  CHECK(pixels_of(bmp({.width = 1, .height = -2}, {}, rows)) == FileBytes{3, 2, 1, 6, 5, 4});
}

TEST_CASE("BMP: masks of 16 and 32 bits, behind the header or in a longer one") {
  const FileBytes five_six_five{0, 0xf8, 0, 0, 0xe0, 7, 0, 0, 0x1f, 0, 0, 0};
  const FileBytes pixel{0x00, 0xf8, 0xe0, 0x07};
  const FileBytes expected{255, 0, 0, 0, 255, 0};
  CHECK(pixels_of(bmp({.bits = 16, .compression = 3}, {}, pixel, five_six_five)) == expected);
  for (const std::uint32_t header : {56u, 108u, 124u})
    CHECK(pixels_of(bmp({.bits = 16, .compression = 3, .header = header}, {}, pixel, five_six_five)) ==
          expected);
  const FileBytes rgbx{0xff, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0xff, 0};
  CHECK(pixels_of(bmp({.width = 1, .bits = 32, .compression = 3}, {}, {1, 2, 3, 4}, rgbx)) ==
        FileBytes{1, 2, 3});
  // One mask twice, none, one with a gap, one wider than a byte, one beyond 16 bits.
  for (const FileBytes& masks : {FileBytes{0xff, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0xff, 0}, FileBytes(12),
                                 FileBytes{0x05, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0xff, 0},
                                 FileBytes{0xff, 3, 0, 0, 0, 0x0c, 0, 0, 0, 0, 0xff, 0}})
    CHECK(
        has(decode_error(bmp({.width = 1, .bits = 32, .compression = 3}, {}, {1, 2, 3, 4}, masks)), "mask"));
  CHECK(has(decode_error(bmp({.bits = 16, .compression = 3}, {}, pixel, rgbx)), "mask"));
}

TEST_CASE("BMP: what points outside the file's own colours and pixels is an error") {
  // The file that took its pixels from the stack: one colour, index 200.
  CHECK(has(decode_error(bmp({.width = 40, .height = 4, .bits = 8}, FileBytes(4), FileBytes(160, 200))),
            "corrupt BMP: a pixel's index lies beyond the palette"));
  CHECK(has(decode_error(bmp({.bits = 8, .colours = 2}, two_colours, {1, 2, 0, 0})), "palette"));
  CHECK(has(decode_error(bmp({.bits = 4}, two_colours, {0x12, 0, 0, 0})), "palette"));
  CHECK(has(decode_error(bmp({.width = 8, .bits = 1}, FileBytes(4), {1, 0, 0, 0})), "palette"));
  // Padding is no pixel.
  CHECK(decode_error(bmp({.width = 3, .bits = 8, .colours = 2}, two_colours, {1, 0, 1, 255})).empty());
  for (const std::int64_t offset : {0, 1, 14, 30, 53})
    CHECK(has(decode_error(bmp({.offset = offset}, {}, FileBytes(200))), "corrupt BMP"));
  CHECK(has(decode_error(bmp({.bits = 8, .offset = 54}, {}, FileBytes(200))), "palette"));
  CHECK(has(decode_error(bmp({.offset = 0xffffffff}, {}, FileBytes(200))), "premature end"));
  CHECK(has(decode_error(bmp({.bits = 2}, two_colours, FileBytes(200))), "bits"));
  CHECK(has(decode_error(bmp({.planes = 0}, {}, FileBytes(200))), "corrupt BMP"));
  CHECK(has(decode_error(bmp({.header = 64}, {}, FileBytes(200))), "unknown header"));
  CHECK(has(decode_error(bmp({.bits = 8, .compression = 1}, two_colours, FileBytes(200))), "compressed"));
  for (const std::int32_t height :
       {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()})
    CHECK(has(decode_error(bmp({.width = 1, .height = height}, {}, FileBytes(200))), "over the limit"));
  CHECK(has(decode_error(bmp({.width = -1}, {}, FileBytes(200))), "no pixels"));
}

TEST_CASE("BMP: over the fields of the header, the same bits whatever the stack holds, or an error") {
  std::size_t read = 0;
  for (const std::uint32_t header : {12u, 40u, 56u, 108u, 124u})
    for (const std::uint32_t bits : {1u, 4u, 8u, 16u, 24u, 32u})
      for (const std::uint32_t compression : {0u, 3u})
        for (const std::uint32_t colours : {0u, 1u, 200u, 0xffffffffu})
          for (const std::int64_t offset :
               {std::int64_t{-1}, std::int64_t{0}, std::int64_t{26}, std::int64_t{54}, std::int64_t{58},
                std::int64_t{66}, std::int64_t{90}})
            for (const int value : {0, 3, 200}) {
              const FileBytes file = bmp({.width = 9,
                                          .height = 3,
                                          .bits = bits,
                                          .compression = compression,
                                          .header = header,
                                          .colours = colours,
                                          .offset = offset},
                                         FileBytes(12, 77), FileBytes(400, static_cast<std::uint8_t>(value)));
              CAPTURE(header);
              CAPTURE(bits);
              CAPTURE(compression);
              CAPTURE(colours);
              CAPTURE(offset);
              read += same_on_every_stack(file) ? 1 : 0;
            }
  CHECK(read > 200);
}
