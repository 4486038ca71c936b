// What a look at the pictures raises, each on data that has it and on data that has not.
#include "io/data/suspicions.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/io/picture/image_files.h"

using namespace thaw;
using namespace thaw::test;

namespace {

FileBytes noise(int salt, int size = 24) {
  Image image{.width = size, .height = size, .channels = 3, .pixels = {}, .notes = {}};
  std::uint32_t state = static_cast<std::uint32_t>(salt) * 2654435761u + 1;
  std::vector<std::uint8_t> coarse;
  for (int i = 0; i < 64; ++i)
    coarse.push_back(static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24));
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x)
      image.pixels.insert(image.pixels.end(), 3,
                          coarse[static_cast<std::size_t>(y * 8 / size * 8 + x * 8 / size)]);
  return make_png(image);
}

struct Look {
  DatasetSplits splits;
  VerifyReport train, val;
  LookedAt training() const { return {splits.train, train.facts}; }
  LookedAt validation() const { return {splits.val, val.facts}; }
};

Look look(const TempFolder& folder, const ScanOptions& options = {}) {
  Look l;
  l.splits = scan_class_folders(folder.path(), options);
  l.train = verify_images(l.splits.train, 2, true);
  l.val = verify_images(l.splits.val, 2, true);
  return l;
}

// 40 pictures of each of two classes, of the sizes that `size_of` gives them.
template <class Size>
std::vector<std::string> telltales(Size size_of) {
  const TempFolder folder;
  for (int i = 0; i < 80; ++i) {
    const bool cat = i % 2 == 0;
    folder.write((cat ? "cat/" : "dog/") + std::to_string(i) + ".png", noise(i, size_of(i, cat)));
  }
  return telltale_files(look(folder).training());
}

}  // namespace

TEST_CASE("a picture in two classes") {
  const TempFolder folder;
  for (int i = 0; i < 4; ++i) folder.write("a/" + std::to_string(i) + ".png", noise(i));
  for (int i = 4; i < 8; ++i) folder.write("b/" + std::to_string(i) + ".png", noise(i));
  folder.write("a/again.png", noise(1));
  CHECK(copies_in_two_classes(look(folder).splits.train).empty());
  folder.write("b/x.png", noise(2));
  const auto notes = copies_in_two_classes(look(folder).splits.train);
  REQUIRE(notes.size() == 1);
  CHECK(has(notes[0], "1 picture is in two classes, byte for byte: b/x.png is a/2.png"));
}

TEST_CASE(
    "a file's size, format or number of pixels that tells its class; one that is each picture's own does "
    "not") {
  CHECK(telltales([](int, bool) { return 24; }).empty());
  CHECK(telltales([](int i, bool) { return 20 + i; }).empty());
  CHECK(telltales([](int i, bool) { return 20 + i % 5; }).empty());
  const auto sizes = telltales([](int i, bool cat) { return cat ? 24 : 20 + i % 3; });
  REQUIRE(sizes.size() == 1);
  CHECK(has(sizes[0], "the size of a file alone tells 100 % of the classes"));
  CHECK(has(sizes[0], "cat mostly 24x24, dog mostly "));
  const auto larger = telltales([](int i, bool cat) { return (cat ? 64 : 128) + i / 2; });
  REQUIRE(larger.size() == 1);
  CHECK(has(larger[0], "number of pixels"));

  const TempFolder folder;
  for (int i = 0; i < 80; ++i) {
    if (i % 2 == 0)
      folder.write("cat/" + std::to_string(i) + ".png", noise(i));
    else
      folder.write("dog/" + std::to_string(i) + ".jpg", make_jpeg(pattern(24, 24, 3, i)));
  }
  const auto formats = telltale_files(look(folder).training());
  REQUIRE(formats.size() == 1);
  CHECK(has(formats[0], "the format of a file alone tells 100 %"));
  CHECK(has(formats[0], "cat mostly PNG, dog mostly JPEG"));
}

TEST_CASE("pictures of one colour, and validation pictures that look like training pictures") {
  const TempFolder folder;
  for (int i = 0; i < 10; ++i) {
    folder.write("train/a/" + std::to_string(i) + ".png", noise(i));
    folder.write("val/a/" + std::to_string(i) + ".png", noise(100 + i));
  }
  CHECK(near_copies(look(folder).training(), look(folder).validation()).empty());
  CHECK(pictures_of_one_colour(look(folder).training(), look(folder).validation()).empty());
  Image dark = pattern(8, 8, 1);
  for (std::uint8_t& p : dark.pixels) p = static_cast<std::uint8_t>(p / 16);
  CHECK(dark_pictures(look(folder).training(), look(folder).validation()).empty());
  folder.write("train/a/dark.png", make_png(dark));
  const auto next_to_black = dark_pictures(look(folder).training(), look(folder).validation());
  REQUIRE(next_to_black.size() == 1);
  CHECK(has(next_to_black[0], "1 picture is next to black everywhere (first: train/a/dark.png)"));
  const Image black{
      .width = 8, .height = 8, .channels = 1, .pixels = std::vector<std::uint8_t>(64), .notes = {}};
  folder.write("train/a/black.png", make_png(black));
  folder.write("val/a/black.png", make_png(black));
  folder.write("val/a/larger.png", noise(3, 48));
  const Look l = look(folder);
  const auto alike = near_copies(l.training(), l.validation());
  REQUIRE(alike.size() == 1);
  CHECK(
      has(alike[0],
          "1 validation picture looks like a training picture (first: val/a/larger.png and train/a/3.png)"));
  const auto uniform = pictures_of_one_colour(l.training(), l.validation());
  REQUIRE(uniform.size() == 1);
  CHECK(has(uniform[0], "2 pictures are of one colour throughout (first: train/a/black.png)"));
}

TEST_CASE("split_by keeps what a path says on one side, and names paths that say nothing") {
  const TempFolder folder;
  for (int i = 0; i < 60; ++i)
    folder.write((i % 2 == 0 ? "a/p" : "b/p") + std::to_string(i / 6) + "_" + std::to_string(i) + ".png",
                 noise(i));
  const ScanOptions options{.val_split = 0.3, .seed = 5, .split_by = "/(p[0-9]+)_"};
  const DatasetSplits splits = scan_class_folders(folder.path(), options);
  CHECK(splits.split_off);
  REQUIRE_FALSE(splits.val.samples.empty());
  for (const Sample& val : splits.val.samples)
    for (const Sample& train : splits.train.samples) CHECK(val.group != train.group);
  const auto error = [&](const std::string& expression) {
    return error_of([&] { scan_class_folders(folder.path(), {.val_split = 0.3, .split_by = expression}); });
  };
  CHECK(has(error("/p1"), "--split-by '/p1': finds nothing in 54 of 60 paths, which are like a/p0_0.png"));
  CHECK(has(error("(p"), "not a regular expression"));
  CHECK(has(error("(p9)?"), "finds nothing in 60 of 60 paths"));  // an empty text groups nothing
  CHECK(has(error(std::string(300, '(')), "longer than 200 characters"));

  // Where the folders are the split, groups on both sides are told.
  const TempFolder own;
  own.write("train/a/p1_0.png", noise(1));
  own.write("train/b/p2_0.png", noise(2));
  own.write("val/a/p1_1.png", noise(3));
  const auto notes = scan_class_folders(own.path(), options).notes;
  CHECK(std::any_of(notes.begin(), notes.end(), [](const std::string& note) {
    return has(note, "--split-by splits nothing") &&
           has(note, "1 of its groups are on both sides (first: p1)");
  }));
}
