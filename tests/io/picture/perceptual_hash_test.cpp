#include "io/picture/perceptual_hash.h"

#include <doctest/doctest.h>

#include "io/picture/resize.h"
#include "tests/io/picture/image_files.h"

using namespace thaw;
using namespace thaw::test;

namespace {

// Eight values a row and column, each a square of `block` pixels.
Image mosaic(int salt, int block) {
  Image image{.width = 9 * block, .height = 9 * block, .channels = 3, .pixels = {}, .notes = {}};
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < 3; ++c)
        image.pixels.push_back(static_cast<std::uint8_t>(
            ((x / block * 37 + y / block * 91 + salt * 53) * (x / block + 3 * salt + y / block)) & 255));
  return image;
}

}  // namespace

TEST_CASE("difference_hash: bit by bit of a picture that needs no resizing in one direction") {
  // Falling to the right in even rows, rising in odd ones; falling downwards never, or always below.
  Image image{.width = 9, .height = 8, .channels = 1, .pixels = {}, .notes = {}};
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 9; ++x)
      image.pixels.push_back(static_cast<std::uint8_t>(y % 2 == 0 ? 200 - 10 * x : 50 + 10 * x));
  const PictureHash hash = difference_hash(image);
  for (std::size_t y = 0; y < 8; ++y)
    for (std::size_t x = 0; x < 8; ++x) CHECK(hash[2 * (8 * y + x)] == (y % 2 == 0));
}

TEST_CASE(
    "difference_hash: near where a picture is resized or saved as JPEG, far where it is another or "
    "mirrored") {
  const Image image = mosaic(1, 16);
  const PictureHash hash = difference_hash(image);
  CHECK((hash ^ difference_hash(resize_image(image, 100, 90))).count() <= 3);
  const FileBytes jpeg = make_jpeg(image);
  CHECK((hash ^ difference_hash(decode_image(jpeg, 3, "a.jpg"))).count() <= 3);
  CHECK((hash ^ difference_hash(mosaic(2, 16))).count() > 20);
  Image mirrored = image;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < 3; ++c)
        mirrored.pixels[static_cast<std::size_t>((y * image.width + x) * 3 + c)] =
            image.pixels[static_cast<std::size_t>((y * image.width + image.width - 1 - x) * 3 + c)];
  CHECK((hash ^ difference_hash(mirrored)).count() > 20);
}

TEST_CASE("one_colour") {
  Image image{.width = 3, .height = 2, .channels = 3, .pixels = {}, .notes = {}};
  for (int i = 0; i < 6; ++i) image.pixels.insert(image.pixels.end(), {1, 2, 3});
  CHECK(one_colour(image));
  image.pixels.back() = 4;
  CHECK_FALSE(one_colour(image));
}
