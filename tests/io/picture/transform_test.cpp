#include "io/picture/transform.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/io/picture/image_files.h"

using namespace thaw;
using namespace thaw::test;

namespace {

struct Made {
  FileBytes pixels;
  bool flip = false;
};

Made train(const Image& image, const Preprocess& preprocess, std::uint64_t sample, std::uint32_t epoch = 0,
           const Augment& augment = {}) {
  PhiloxStream random(7, Purpose::augment, epoch, sample);
  Made made;
  made.pixels.resize(static_cast<std::size_t>(preprocess.input_size) * preprocess.input_size *
                     preprocess.channels);
  made.flip = transform_train(image, preprocess, augment, random, made.pixels.data());
  return made;
}

}  // namespace

TEST_CASE("training depends on seed, epoch and sample only, and differs between them") {
  const Image image = pattern(50, 40, 3);
  const Preprocess preprocess{.input_size = 24};
  const Made first = train(image, preprocess, 3), again = train(image, preprocess, 3);
  CHECK(first.pixels == again.pixels);
  CHECK(first.flip == again.flip);
  CHECK(train(image, preprocess, 4).pixels != first.pixels);
  CHECK(train(image, preprocess, 3, 1).pixels != first.pixels);
}

TEST_CASE("half of the pictures are flipped, none or all where asked") {
  const Image image = pattern(8, 8, 3);
  const Preprocess preprocess{.input_size = 8};
  int flips = 0, none = 0, all = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    flips += train(image, preprocess, i).flip ? 1 : 0;
    none += train(image, preprocess, i, 0, {.flip = 0}).flip ? 1 : 0;
    all += train(image, preprocess, i, 0, {.flip = 1}).flip ? 1 : 0;
  }
  CHECK(flips > 430);  // 4.4 standard deviations
  CHECK(flips < 570);
  CHECK(none == 0);
  CHECK(all == 1000);
}

TEST_CASE("small pictures of native size are shifted by up to 4 pixels, with zeros coming in") {
  Image image{.width = 16, .height = 16, .channels = 1, .pixels = {}, .notes = {}};
  for (int i = 0; i < 256; ++i) image.pixels.push_back(static_cast<std::uint8_t>(1 + i % 255));
  const Preprocess preprocess{.input_size = 16, .channels = 1};
  std::set<std::pair<int, int>> seen;
  for (std::uint64_t sample = 0; sample < 1500; ++sample) {
    const FileBytes out = train(image, preprocess, sample).pixels;
    int matches = 0;
    for (int dy = -4; dy <= 4; ++dy) {
      for (int dx = -4; dx <= 4; ++dx) {
        bool equal = true;
        for (int y = 0; y < 16 && equal; ++y) {
          for (int x = 0; x < 16 && equal; ++x) {
            const bool inside = x - dx >= 0 && x - dx < 16 && y - dy >= 0 && y - dy < 16;
            equal = out[static_cast<std::size_t>(y * 16 + x)] ==
                    (inside ? image.pixels[static_cast<std::size_t>((y - dy) * 16 + x - dx)] : 0);
          }
        }
        if (equal) {
          ++matches;
          seen.emplace(dx, dy);
        }
      }
    }
    REQUIRE(matches == 1);
  }
  CHECK(seen.size() == 81);
}

TEST_CASE("a random crop keeps the scale and the ratio that are asked for") {
  // Pixels hold their own x (channel 0) and y (channel 1), so the crop's extent shows in the result.
  Image image{.width = 200, .height = 160, .channels = 3, .pixels = {}, .notes = {}};
  for (int y = 0; y < 160; ++y) {
    for (int x = 0; x < 200; ++x)
      image.pixels.insert(image.pixels.end(),
                          {static_cast<std::uint8_t>(x), static_cast<std::uint8_t>(y), 0});
  }
  const Preprocess preprocess{.input_size = 80};
  double smallest = 1, largest = 0;
  for (std::uint64_t sample = 0; sample < 300; ++sample) {
    const FileBytes out = train(image, preprocess, sample).pixels;
    const double width = (out[(80 * 40 + 79) * 3] - out[80 * 40 * 3]) * 80.0 / 79;
    const double height = (out[(79 * 80 + 40) * 3 + 1] - out[40 * 3 + 1]) * 80.0 / 79;
    smallest = std::min(smallest, width * height / 32000);
    largest = std::max(largest, width * height / 32000);
    CHECK(width / height > 0.70);  // 3/4 and 4/3, less the rounding of pixels
    CHECK(width / height < 1.43);
  }
  CHECK(smallest > 0.07);
  CHECK(smallest < 0.14);
  CHECK(largest > 0.85);
}

TEST_CASE("pictures of extreme shape or smaller than the crop work (I09)") {
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 5000}, {5000, 1}, {3, 7}}) {
    const Image image{.width = width,
                      .height = height,
                      .channels = 3,
                      .pixels = FileBytes(static_cast<std::size_t>(width) * height * 3, 77),
                      .notes = {}};
    const Preprocess preprocess{.input_size = 32};
    FileBytes out(32 * 32 * 3);
    transform_eval(image, preprocess, out.data());
    CHECK(out == FileBytes(out.size(), 77));
    CHECK(train(image, preprocess, 0).pixels == FileBytes(out.size(), 77));
  }
}

TEST_CASE("evaluation at native size changes nothing") {
  const Image image = pattern(32, 32, 3);
  FileBytes out(image.pixels.size());
  transform_eval(image, {.input_size = 32, .crop_pct = 1.0}, out.data());
  CHECK(out == image.pixels);
}

TEST_CASE("bad preprocessing is named") {
  CHECK(has(error_of([] { Preprocess{.input_size = 0}.validate(); }), "input size"));
  CHECK(has(error_of([] { Preprocess{.crop_pct = 1.5}.validate(); }), "crop_pct"));
  CHECK(has(error_of([] { Preprocess{.channels = 2}.validate(); }), "channels"));
  CHECK(has(error_of([] { Preprocess{.channels = 1}.validate(); }), "mean and std"));
  CHECK(has(error_of([] { Preprocess{.std = {1, 0, 1}}.validate(); }), "std"));
  FileBytes out(32 * 32 * 3);
  CHECK(
      has(error_of([&] { transform_eval(pattern(32, 32, 1), {.input_size = 32}, out.data()); }), "channels"));
}
