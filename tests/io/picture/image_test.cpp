// What every kind of picture file decodes to. Damaged files: image_damage_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "tests/io/picture/image_files.h"

using namespace thaw;
using namespace thaw::test;

namespace {

int largest_difference(const Image& a, const Image& b) {
  REQUIRE(a.width == b.width);
  REQUIRE(a.height == b.height);
  REQUIRE(a.pixels.size() == b.pixels.size());
  int worst = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    worst = std::max(worst, std::abs(a.pixels[i] - b.pixels[i]));
  return worst;
}

// A smooth picture, which JPEG keeps within a few steps.
Image smooth(int width, int height, int channels) {
  Image image{.width = width, .height = height, .channels = channels, .pixels = {}, .notes = {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c)
        image.pixels.push_back(static_cast<std::uint8_t>(60 + x + y * (c + 1) / 2));
    }
  }
  return image;
}

FileBytes bmp_file(const Image& image) {  // 24 bits, bottom row first
  const std::size_t stride = (static_cast<std::size_t>(image.width) * 3 + 3) / 4 * 4;
  FileBytes bytes{'B', 'M'};
  const auto u32 = [&](std::size_t v) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<std::uint8_t>(v >> shift));
  };
  const auto width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  for (const std::size_t v : {54 + stride * height, std::size_t{0}, std::size_t{54}, std::size_t{40}, width,
                              height, std::size_t{1 | 24 << 16}})
    u32(v);
  for (int i = 0; i < 6; ++i) u32(0);
  for (std::size_t y = height; y-- > 0;) {
    for (std::size_t x = 0; x < width; ++x) {
      for (std::size_t c = 3; c-- > 0;) bytes.push_back(image.pixels[(y * width + x) * 3 + c]);
    }
    bytes.resize(bytes.size() + stride - width * 3);
  }
  return bytes;
}

FileBytes tga_file(const Image& image, bool run_length) {  // 24 bits, top row first
  FileBytes bytes(18);
  bytes[2] = run_length ? 10 : 2;
  bytes[12] = static_cast<std::uint8_t>(image.width);
  bytes[14] = static_cast<std::uint8_t>(image.height);
  bytes[16] = 24;
  bytes[17] = 0x20;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    if (run_length) bytes.push_back(0);  // packets of one pixel
    for (const std::size_t c : {2, 1, 0}) bytes.push_back(image.pixels[i + c]);
  }
  return bytes;
}

}  // namespace

TEST_CASE("JPEG: baseline, progressive, 4:1:1 and grey keep a smooth picture (I04)") {
  const Image image = smooth(40, 24, 3);
  for (const JpegKind& kind :
       {JpegKind{}, JpegKind{.progressive = true}, JpegKind{.one_one = true}, JpegKind{.out = JCS_RGB}}) {
    const Image decoded = decode_image(make_jpeg(image, kind), 3, "picture.jpg");
    CHECK(largest_difference(decoded, image) <= 8);
    CHECK(decoded.notes.empty());
  }
  const Image grey = smooth(40, 24, 1);
  const FileBytes file = make_jpeg(grey, {.in = JCS_GRAYSCALE, .out = JCS_GRAYSCALE});
  CHECK(largest_difference(decode_image(file, 1, "g.jpg"), grey) <= 4);
  const Image repeated = decode_image(file, 3, "g.jpg");
  CHECK(repeated.pixels[0] == repeated.pixels[1]);
  CHECK(repeated.pixels[1] == repeated.pixels[2]);
}

TEST_CASE("JPEG: CMYK and YCCK become RGB (I04)") {
  // Inverted CMYK of a colour with black 255 (none): (R, G, B, 255).
  const Image rgb = smooth(32, 16, 3);
  Image cmyk{.width = 32, .height = 16, .channels = 4, .pixels = {}, .notes = {}};
  for (std::size_t i = 0; i < rgb.pixels.size(); i += 3) {
    cmyk.pixels.insert(cmyk.pixels.end(), {rgb.pixels[i], rgb.pixels[i + 1], rgb.pixels[i + 2], 255});
  }
  for (const J_COLOR_SPACE out : {JCS_CMYK, JCS_YCCK}) {
    const Image decoded = decode_image(make_jpeg(cmyk, {.in = JCS_CMYK, .out = out}), 3, "c.jpg");
    CHECK(decoded.channels == 3);
    CHECK(largest_difference(decoded, rgb) <= 8);
  }
}

TEST_CASE("JPEG: arithmetic coding, 12 bits and lossless are refused by name (I04)") {
  const Image image = smooth(32, 32, 3);
  CHECK(has(decode_error(make_jpeg(image, {.arithmetic = true})), "arithmetic"));
  FileBytes twelve = make_jpeg(image), lossless = twelve;
  const std::uint8_t sof[] = {0xff, 0xc0};
  const auto at = std::search(twelve.begin(), twelve.end(), sof, sof + 2) - twelve.begin();
  twelve[static_cast<std::size_t>(at) + 4] = 12;
  CHECK(has(decode_error(twelve), "12"));
  lossless[static_cast<std::size_t>(at) + 1] = 0xc3;
  CHECK(has(decode_error(lossless), "unsupported JPEG"));
}

TEST_CASE("PNG: every depth of grey; 16 bits keep the upper byte (I05)") {
  for (const bool interlaced : {false, true}) {
    for (const int depth : {1, 2, 4, 8, 16}) {
      CAPTURE(depth);
      // 16 x 2 pixels, values counting up in the packed rows.
      const std::size_t stride = static_cast<std::size_t>(16 * depth / 8);
      FileBytes rows;
      for (std::size_t i = 0; i < 2 * stride; ++i) rows.push_back(static_cast<std::uint8_t>(i * 37 + 5));
      const FileBytes file =
          make_png(16, 2, {.depth = depth, .colour = PNG_COLOR_TYPE_GRAY, .interlaced = interlaced}, rows);
      const Image image = decode_image(file, 1, "g.png");
      for (int i = 0; i < 32; ++i) {
        const std::uint8_t* row = rows.data() + static_cast<std::size_t>(i / 16) * stride;
        const int x = i % 16;
        int expected = depth == 16 ? row[2 * x] : row[x * depth / 8];
        if (depth < 8) {
          const int levels = (1 << depth) - 1;
          expected = ((expected >> (8 - depth - x * depth % 8)) & levels) * 255 / levels;
        }
        CHECK(image.pixels[static_cast<std::size_t>(i)] == expected);
      }
    }
  }
}

TEST_CASE("PNG: colour, palettes, alpha and tRNS; the colour below alpha shows (I05)") {
  const Image rgb = pattern(9, 7, 3);
  CHECK(decode_image(make_png(rgb), 3, "a.png").pixels == rgb.pixels);
  CHECK(decode_image(make_png(rgb, true), 3, "a.png").pixels == rgb.pixels);
  CHECK(decode_image(make_png(9, 7, {.transparency = true}, rgb.pixels), 3, "a.png").pixels == rgb.pixels);

  FileBytes rgba, wide, grey_alpha;
  for (std::size_t i = 0; i < rgb.pixels.size(); i += 3) {
    rgba.insert(rgba.end(),
                {rgb.pixels[i], rgb.pixels[i + 1], rgb.pixels[i + 2], static_cast<std::uint8_t>(i)});
    for (std::size_t c = 0; c < 3; ++c) wide.insert(wide.end(), {rgb.pixels[i + c], 0xff});
    grey_alpha.insert(grey_alpha.end(), {rgb.pixels[i], 0});
  }
  CHECK(decode_image(make_png(9, 7, {.colour = PNG_COLOR_TYPE_RGBA}, rgba), 3, "a.png").pixels == rgb.pixels);
  CHECK(decode_image(make_png(9, 7, {.depth = 16}, wide), 3, "a.png").pixels == rgb.pixels);
  const Image grey =
      decode_image(make_png(9, 7, {.colour = PNG_COLOR_TYPE_GRAY_ALPHA}, grey_alpha), 1, "a.png");
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) CHECK(grey.pixels[i] == rgb.pixels[3 * i]);

  for (const bool transparency : {false, true}) {
    const FileBytes rows{0x12, 0x30, 0x03, 0x21};  // 4 x 2 pixels of 4 bits
    const PngKind kind{
        .depth = 4, .colour = PNG_COLOR_TYPE_PALETTE, .palette = 4, .transparency = transparency};
    const Image image = decode_image(make_png(4, 2, kind, rows), 3, "p.png");
    const int indices[] = {1, 2, 3, 0, 0, 3, 2, 1};
    for (std::size_t i = 0; i < 8; ++i) {
      CHECK(image.pixels[3 * i] == indices[i] * 3);
      CHECK(image.pixels[3 * i + 1] == 255 - indices[i]);
      CHECK(image.pixels[3 * i + 2] == indices[i] * 7);
    }
  }
}

TEST_CASE("PNG: an animation gives its first frame (I05)") {
  const Image image = pattern(5, 5, 3);
  const FileBytes control{0, 0, 0, 1, 0, 0, 0, 0};
  const FileBytes file = inserted(make_png(image), 33, png_chunk("acTL", control));
  CHECK(decode_image(file, 3, "a.png").pixels == image.pixels);
}

TEST_CASE("BMP, TGA and PNM") {
  const Image image = pattern(13, 6, 3);
  CHECK(decode_image(bmp_file(image), 3, "a.bmp").pixels == image.pixels);
  CHECK(decode_image(tga_file(image, false), 3, "a.tga").pixels == image.pixels);
  CHECK(decode_image(tga_file(image, true), 3, "a.tga").pixels == image.pixels);

  FileBytes ppm = text_bytes("P6\n# made by a test\n13 6\n255\n");
  ppm.insert(ppm.end(), image.pixels.begin(), image.pixels.end());
  CHECK(decode_image(ppm, 3, "a.ppm").pixels == image.pixels);
  CHECK(decode_image(inserted(text_bytes("P5 2 1 15\n"), 10, {15, 3}), 1, "a.pgm").pixels ==
        FileBytes{255, 51});
  CHECK(
      decode_image(inserted(text_bytes("P5 2 1 65535\n"), 13, {0xff, 0xff, 0x12, 0x34}), 1, "a.pgm").pixels ==
      FileBytes{255, 0x12});
  CHECK(has(decode_error(text_bytes("P3 1 1 255\n1 2 3\n")), "P3"));
}

TEST_CASE("grey and RGB follow Pillow's formula") {
  const Image image{.width = 2, .height = 1, .channels = 3, .pixels = {255, 0, 0, 10, 200, 30}, .notes = {}};
  CHECK(convert_channels(image, 1).pixels == FileBytes{76, 124});
  const Image grey{.width = 1, .height = 1, .channels = 1, .pixels = {7}, .notes = {}};
  CHECK(convert_channels(grey, 3).pixels == FileBytes{7, 7, 7});
}

TEST_CASE("the content decides, and a wrong name is noted (I03)") {
  const TempFolder folder;
  const Image image = pattern(8, 8, 3);
  const Image png = read_image(folder.write("really_png.JPG", make_png(image)), 3);
  CHECK(png.pixels == image.pixels);
  REQUIRE(png.notes.size() == 1);
  CHECK(has(png.notes[0], "PNG named .jpg"));
  const ImageHeader jpeg = image_header(folder.write("really_jpeg.png", make_jpeg(image)));
  CHECK(std::string(jpeg.format) == "JPEG");
  CHECK(jpeg.width == 8);
  REQUIRE(jpeg.notes.size() == 1);
  CHECK(has(jpeg.notes[0], "JPEG named .png"));
}

TEST_CASE("1 x 1 and 1 x 5000 pictures (I09)") {
  for (const int height : {1, 5000}) {
    const Image image = pattern(1, height, 3);
    CHECK(decode_image(make_png(image), 3, "a.png").pixels == image.pixels);
    CHECK(decode_image(make_jpeg(image), 3, "a.jpg").height == height);
  }
}

TEST_CASE("the same file from 8 threads gives the same bits (I10)") {
  const FileBytes file = make_jpeg(pattern(64, 48, 3), {.progressive = true});
  const Image expected = decode_image(file, 3, "a.jpg");
  std::vector<int> equal(8);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 12; ++i)
          equal[t] += decode_image(file, 3, "a.jpg").pixels == expected.pixels ? 1 : 0;
      });
    }
  }
  for (const int count : equal) CHECK(count == 12);
}
