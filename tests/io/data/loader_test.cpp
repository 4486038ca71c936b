#include "io/data/loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <thread>

#include "tests/io/picture/image_files.h"

using namespace thaw;
using namespace thaw::test;

namespace {

// 23 pictures of different sizes in two classes.
Dataset small_dataset(const TempFolder& folder) {
  for (int i = 0; i < 23; ++i) {
    const Image image = pattern(20 + i % 5, 18 + i % 3, 3, i);
    folder.write((i % 3 == 0 ? "a/" : "b/") + std::to_string(10 + i) + (i % 2 == 0 ? ".png" : ".jpg"),
                 i % 2 == 0 ? make_png(image) : make_jpeg(image));
  }
  return scan_class_folders(folder.path()).train;
}

struct Epoch {
  FileBytes pixels;
  FileBytes flips;
  std::vector<int> labels;
  std::vector<std::int64_t> indices, sizes;
  bool operator==(const Epoch&) const = default;
};

Epoch read_epoch(Loader& loader, std::uint32_t epoch) {
  Epoch all;
  loader.start_epoch(epoch);
  for (Batch batch; loader.next(batch);) {
    REQUIRE(batch.images.shape()[0] == batch.size());
    const auto* pixels = batch.images.as<std::uint8_t>();
    all.pixels.insert(all.pixels.end(), pixels, pixels + batch.images.bytes());
    all.flips.insert(all.flips.end(), batch.flips.begin(), batch.flips.end());
    all.labels.insert(all.labels.end(), batch.labels.begin(), batch.labels.end());
    all.indices.insert(all.indices.end(), batch.indices.begin(), batch.indices.end());
    all.sizes.push_back(batch.size());
  }
  return all;
}

const Preprocess preprocess{.input_size = 16};

}  // namespace

TEST_CASE("batches hold the same bits for any number of workers, with and without the cache") {
  const TempFolder folder;
  const Dataset dataset = small_dataset(folder);
  std::vector<Epoch> expected;
  for (const int workers : {0, 1, 2, 5}) {
    for (const std::size_t cache : {std::size_t{0}, std::size_t{4000}, std::size_t{1} << 20}) {
      CAPTURE(workers);
      CAPTURE(cache);
      Loader loader(dataset, preprocess,
                    {.batch_size = 5,
                     .train = true,
                     .shuffle = true,
                     .seed = 9,
                     .workers = workers,
                     .cache_bytes = cache});
      for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
        const Epoch read = read_epoch(loader, epoch);
        if (expected.size() <= epoch) expected.push_back(read);
        CHECK(read == expected[epoch]);
      }
    }
  }
  CHECK(expected[0].indices != expected[1].indices);
  // Epochs don't depend on the ones before: a resumed run sees the same.
  Loader resumed(dataset, preprocess, {.batch_size = 5, .train = true, .shuffle = true, .seed = 9});
  CHECK(read_epoch(resumed, 2) == expected[2]);
  Loader other(dataset, preprocess, {.batch_size = 5, .train = true, .shuffle = true, .seed = 10});
  CHECK(read_epoch(other, 2).indices != expected[2].indices);
}

TEST_CASE("augmentation differs between epochs and between seeds") {
  const TempFolder folder;
  const Dataset dataset = small_dataset(folder);
  Loader loader(dataset, preprocess, {.batch_size = 5, .train = true, .seed = 9});
  Loader other(dataset, preprocess, {.batch_size = 5, .train = true, .seed = 10});
  const Epoch first = read_epoch(loader, 0), second = read_epoch(loader, 1), elsewhere = read_epoch(other, 0);
  CHECK(first.indices == second.indices);
  CHECK(first.pixels != second.pixels);
  CHECK(first.flips != second.flips);
  CHECK(first.pixels != elsewhere.pixels);
}

TEST_CASE("every sample comes once, with its own label and pixels") {
  const TempFolder folder;
  const Dataset dataset = small_dataset(folder);
  Loader loader(dataset, preprocess, {.batch_size = 4, .shuffle = true});
  const Epoch read = read_epoch(loader, 0);
  CHECK(std::set<std::int64_t>(read.indices.begin(), read.indices.end()).size() == 23);
  for (std::size_t i = 0; i < read.indices.size(); ++i) {
    const Sample& sample = dataset.samples[static_cast<std::size_t>(read.indices[i])];
    CHECK(read.labels[i] == sample.label);
    CHECK(read.flips[i] == 0);
    FileBytes expected(16 * 16 * 3);
    transform_eval(read_image(sample.path, 3), preprocess, expected.data());
    CHECK(std::equal(expected.begin(), expected.end(),
                     read.pixels.begin() + static_cast<std::ptrdiff_t>(i * expected.size())));
  }
}

TEST_CASE("the last batch: kept, dropped, or a single sample merged") {
  const TempFolder folder;
  const Dataset dataset = small_dataset(folder);  // 23 samples
  const auto sizes = [&](LoaderOptions options) {
    Loader loader(dataset, preprocess, options);
    const Epoch read = read_epoch(loader, 0);
    CHECK(static_cast<std::int64_t>(read.sizes.size()) == loader.batches());
    CHECK(static_cast<std::int64_t>(read.indices.size()) == loader.samples());
    return read.sizes;
  };
  CHECK(sizes({.batch_size = 10}) == std::vector<std::int64_t>{10, 10, 3});
  CHECK(sizes({.batch_size = 10, .drop_last = true}) == std::vector<std::int64_t>{10, 10});
  CHECK(sizes({.batch_size = 11, .merge_last_single = true}) == std::vector<std::int64_t>{11, 12});
  CHECK(sizes({.batch_size = 10, .merge_last_single = true}) == std::vector<std::int64_t>{10, 10, 3});
  CHECK(sizes({.batch_size = 1, .merge_last_single = true}).size() == 22);
  CHECK(has(error_of([&] { sizes({.batch_size = 24, .drop_last = true}); }), "--batch-size"));
  CHECK(has(error_of([&] { sizes({.batch_size = 0}); }), "batch size"));
  CHECK(has(error_of([] { Loader({}, preprocess, {}); }), "no pictures"));
}

TEST_CASE("a bad picture is thrown by next(), naming the file, after the batches before it") {
  const TempFolder folder;
  const Dataset dataset = small_dataset(folder);
  const FileBytes good = make_png(pattern(20, 20, 3));
  folder.write(dataset.samples[12].relative, FileBytes(good.begin(), good.begin() + 60));
  folder.write(dataset.samples[14].relative, {});
  for (const int workers : {0, 1, 4}) {
    Loader loader(dataset, preprocess, {.batch_size = 5, .workers = workers});
    for (int round = 0; round < 2; ++round) {
      loader.start_epoch(0);
      Batch batch;
      CHECK(loader.next(batch));
      CHECK(loader.next(batch));
      CHECK(has(error_of([&] { loader.next(batch); }), dataset.samples[12].relative));
      CHECK(!loader.next(batch));
    }
  }
}

TEST_CASE("an epoch may be left early, and the loader may go at any time") {
  const TempFolder folder;
  const Dataset dataset = small_dataset(folder);
  for (int i = 0; i < 20; ++i) {
    Loader loader(dataset, preprocess, {.batch_size = 2, .train = true, .workers = 3});
    Batch batch;
    CHECK(!loader.next(batch));
    loader.start_epoch(0);
    for (int k = 0; k < i % 5; ++k) CHECK(loader.next(batch));
    loader.start_epoch(1);
    CHECK(loader.next(batch));
  }
  Loader loader(dataset, preprocess, {.batch_size = 2, .workers = 3});
  Loader fresh(dataset, preprocess, {.batch_size = 2, .workers = 3});
  Batch batch;
  loader.start_epoch(0);
  loader.next(batch);
  CHECK(read_epoch(loader, 1) == read_epoch(fresh, 1));
}

TEST_CASE("grey input: one channel per pixel") {
  const TempFolder folder;
  const Dataset dataset = small_dataset(folder);
  Loader loader(dataset, {.input_size = 16, .channels = 1, .mean = {0.5f}, .std = {0.5f}},
                {.batch_size = 23});
  loader.start_epoch(0);
  Batch batch;
  REQUIRE(loader.next(batch));
  CHECK(batch.images.shape() == Shape{23, 1, 16, 16});
  CHECK(batch.images.dtype() == DType::u8);
}

TEST_CASE(
    "balanced: every class equally often, each of a class before any comes again, the same for any workers") {
  const TempFolder folder;
  const Dataset dataset = small_dataset(folder);  // 8 of a, 15 of b
  std::vector<int> labels;
  for (const Sample& sample : dataset.samples) labels.push_back(sample.label);
  const std::vector<std::int64_t> order = balanced_order(labels, 9, 0);
  REQUIRE(order.size() == 23);
  std::vector<int> times(23), of_class(2);
  for (const std::int64_t i : order) {
    ++times[static_cast<std::size_t>(i)];
    ++of_class[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)])];
  }
  CHECK(of_class == std::vector<int>{12, 11});
  for (std::size_t i = 0; i < 23; ++i) {
    if (labels[i] == 0) CHECK((times[i] == 1 || times[i] == 2));
    if (labels[i] == 1) CHECK(times[i] <= 1);
  }
  CHECK(balanced_order(labels, 9, 1) != order);
  CHECK(balanced_order(labels, 8, 0) != order);

  Epoch expected;
  for (const int workers : {0, 2, 5})
    for (const std::size_t cache : {std::size_t{0}, std::size_t{1} << 20}) {
      Loader loader(dataset, preprocess,
                    {.batch_size = 5,
                     .train = true,
                     .shuffle = true,
                     .balanced = true,
                     .seed = 9,
                     .workers = workers,
                     .cache_bytes = cache});
      for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
        const Epoch read = read_epoch(loader, epoch);
        if (epoch > 0) continue;
        if (expected.labels.empty()) expected = read;
        CHECK(read == expected);
        CHECK(read.indices == order);
      }
    }
  // A picture that comes twice in an epoch is cropped and flipped anew.
  const std::size_t bytes = 3 * 16 * 16;
  std::map<std::int64_t, std::set<std::string>> seen;
  for (std::size_t i = 0; i < order.size(); ++i)
    seen[order[i]].insert(
        std::string(expected.pixels.begin() + static_cast<std::ptrdiff_t>(i * bytes),
                    expected.pixels.begin() + static_cast<std::ptrdiff_t>((i + 1) * bytes)));
  std::size_t different = 0;
  for (const auto& [index, pictures] : seen) different += pictures.size() - 1;
  CHECK(different >= 3);
}
