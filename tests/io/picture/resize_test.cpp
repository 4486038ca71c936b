#include "io/picture/resize.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "io/picture/transform.h"
#include "tests/io/picture/image_files.h"

using namespace thaw;
using namespace thaw::test;

namespace {

// The pictures of tests/golden/resize.py.
Image golden_picture(int width, int height, int channels) {
  Image image{.width = width, .height = height, .channels = channels, .pixels = {}, .notes = {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const int value = x * x * 7 + y * y * 13 + x * y * 5 + c * 91 + 40 * ((x / 3 + y / 5) % 2);
        image.pixels.push_back(static_cast<std::uint8_t>(value % 256));
      }
    }
  }
  return image;
}

FileBytes from_hex(const std::string& text) {
  FileBytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

}  // namespace

TEST_CASE("resize and evaluation transform equal Pillow's and torchvision's bit for bit") {
  std::ifstream golden(THAW_SOURCE_DIR "/tests/golden/resize.txt");
  REQUIRE(golden.good());
  int lines = 0;
  for (std::string line; std::getline(golden, line); ++lines) {
    std::istringstream fields(line);
    std::string kind, hex;
    int width = 0, height = 0, channels = 0, a = 0, b = 0;
    fields >> kind >> width >> height >> channels >> a >> b >> hex;
    CAPTURE(line.substr(0, 30));
    const Image image = golden_picture(width, height, channels);
    FileBytes result;
    if (kind == "resize") {
      result = resize_image(image, a, b).pixels;
    } else {
      Preprocess preprocess{.input_size = a, .crop_pct = static_cast<double>(a) / b, .channels = channels};
      REQUIRE(preprocess.resize_size() == b);
      result.resize(static_cast<std::size_t>(a) * a * channels);
      transform_eval(image, preprocess, result.data());
    }
    CHECK(result == from_hex(hex));
  }
  CHECK(lines == 18);
}

TEST_CASE("a box is resized as if it had been cropped first, and a window is a part of the result") {
  const Image image = golden_picture(40, 30, 3);
  const Box box{7, 5, 21, 17};
  Image crop{.width = box.width, .height = box.height, .channels = 3, .pixels = {}, .notes = {}};
  for (int y = 0; y < box.height; ++y) {
    const std::uint8_t* row = image.pixels.data() + ((box.top + y) * 40 + box.left) * 3;
    crop.pixels.insert(crop.pixels.end(), row, row + box.width * 3);
  }
  for (const auto& [width, height] : {std::pair{12, 12}, {30, 8}, {21, 9}, {10, 17}, {21, 17}}) {
    const Image expected = resize_image(crop, width, height);
    FileBytes all(expected.pixels.size());
    resize_into(image, box, width, height, {0, 0, width, height}, all.data());
    CHECK(all == expected.pixels);
    const Box window{2, 3, width - 5, height - 4};
    FileBytes part(static_cast<std::size_t>(window.width) * window.height * 3);
    resize_into(image, box, width, height, window, part.data());
    for (int y = 0; y < window.height; ++y) {
      const std::uint8_t* row = all.data() + ((window.top + y) * width + window.left) * 3;
      CHECK(std::equal(row, row + window.width * 3, part.begin() + y * window.width * 3));
    }
  }
}

TEST_CASE("boxes, windows and sizes that don't fit are errors") {
  const Image image = golden_picture(8, 8, 1);
  FileBytes out(64);
  CHECK(!error_of([&] { resize_image(image, 0, 3); }).empty());
  CHECK(!error_of([&] { resize_into(image, {0, 0, 9, 8}, 4, 4, {0, 0, 4, 4}, out.data()); }).empty());
  CHECK(!error_of([&] { resize_into(image, {-1, 0, 8, 8}, 4, 4, {0, 0, 4, 4}, out.data()); }).empty());
  CHECK(!error_of([&] { resize_into(image, {0, 0, 8, 0}, 4, 4, {0, 0, 4, 4}, out.data()); }).empty());
  CHECK(!error_of([&] { resize_into(image, {0, 0, 8, 8}, 4, 4, {1, 0, 4, 4}, out.data()); }).empty());
}
