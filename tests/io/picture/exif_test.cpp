#include "io/picture/exif.h"

#include <doctest/doctest.h>

#include "tests/io/picture/image_files.h"

using namespace thaw;
using namespace thaw::test;

TEST_CASE("orientation is read in both byte orders; anything broken gives 1 (I08)") {
  for (std::uint16_t value = 1; value <= 8; ++value) {
    CHECK(exif_orientation(orientation_block(value, false)) == value);
    CHECK(exif_orientation(orientation_block(value, true)) == value);
  }
  CHECK(exif_orientation(orientation_block(0, true)) == 1);
  CHECK(exif_orientation(orientation_block(9, true)) == 1);
  CHECK(exif_orientation({}) == 1);
  const FileBytes block = orientation_block(6, false);
  for (std::size_t length = 0; length < 20; ++length) CHECK(exif_orientation({block.data(), length}) == 1);
  FileBytes bad = block;
  bad[4] = bad[5] = bad[6] = bad[7] = 0xff;  // a directory far outside
  CHECK(exif_orientation(bad) == 1);
  bad = block;
  bad[8] = bad[9] = 0xff;  // 65535 entries: the first one is still there
  CHECK(exif_orientation(bad) == 6);
  bad[10] = 0;  // another tag, and then nothing
  CHECK(exif_orientation(bad) == 1);
}

TEST_CASE("the eight orientations turn the picture (I08)") {
  // a b c d e f
  const Image image{
      .width = 3, .height = 2, .channels = 1, .pixels = {'a', 'b', 'c', 'd', 'e', 'f'}, .notes = {}};
  const char* expected[] = {"abcdef", "cbafed", "fedcba", "defabc", "adbecf", "daebfc", "fcebda", "cfbead"};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const Image turned = apply_orientation(image, orientation);
    CHECK(turned.width == (orientation < 5 ? 3 : 2));
    CHECK(turned.height == (orientation < 5 ? 2 : 3));
    CHECK(std::string(turned.pixels.begin(), turned.pixels.end()) == expected[orientation - 1]);
  }
}

TEST_CASE("decoding applies the orientation of JPEG and PNG, and broken EXIF is ignored (I08)") {
  const Image image = pattern(16, 8, 3);
  const FileBytes jpeg = make_jpeg(image), png = make_png(image);
  const Image upright = decode_image(jpeg, 3, "a.jpg");
  for (int value = 1; value <= 8; ++value) {
    const FileBytes block = orientation_block(static_cast<std::uint16_t>(value), value % 2 == 0);
    CHECK(decode_image(with_exif(jpeg, block), 3, "a.jpg").pixels ==
          apply_orientation(upright, value).pixels);
    CHECK(decode_image(inserted(png, 33, png_chunk("eXIf", block)), 3, "a.png").pixels ==
          apply_orientation(image, value).pixels);
  }
  // Not the picture's: behind its end, or damaged.
  FileBytes chunk = png_chunk("eXIf", orientation_block(6, true));
  const Image behind = decode_image(inserted(png, png.size(), chunk), 3, "a.png");
  CHECK(behind.pixels == image.pixels);
  chunk.back() = static_cast<std::uint8_t>(chunk.back() ^ 1u);
  const Image damaged = decode_image(inserted(png, 33, chunk), 3, "a.png");
  CHECK(damaged.pixels == image.pixels);
  REQUIRE(damaged.notes.size() == 1);
  CHECK(damaged.notes[0] == "PNG with a damaged eXIf chunk, which is not obeyed");
  CHECK(decode_image(with_exif(jpeg, {1, 2, 3}), 3, "a.jpg").pixels == upright.pixels);
  CHECK(decode_image(with_exif(jpeg, {}), 3, "a.jpg").pixels == upright.pixels);
}
