#include "io/data/verify.h"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/io/picture/image_files.h"

using namespace thaw;
using namespace thaw::test;

namespace {

FileBytes picture(int salt) {
  return make_png(pattern(6, 6, 3, salt));
}

std::string scan_error(const TempFolder& folder, const ScanOptions& options = {}) {
  return error_of([&] { scan_class_folders(folder.path(), options); });
}

bool any_note(const std::vector<std::string>& notes, const std::string& part) {
  return std::any_of(notes.begin(), notes.end(), [&](const std::string& note) { return has(note, part); });
}

std::vector<std::string> names(const Dataset& dataset) {
  std::vector<std::string> list;
  for (const Sample& sample : dataset.samples) list.push_back(sample.relative);
  return list;
}

}  // namespace

TEST_CASE(
    "train, val and test folders; labels by name, order by name, nested folders, extensions in any case") {
  const TempFolder folder;
  folder.write("train/dog/b.PNG", picture(1));
  folder.write("train/dog/deep/er/a.JpEg", picture(2));
  folder.write("train/cat/c.bmp", picture(3));
  folder.write("train/cat/readme.txt", {'x'});
  folder.write("train/cat/.hidden.png", picture(4));
  folder.write("train/.ipynb_checkpoints/d.png", picture(5));
  folder.write("validation/dog/v.png", picture(6));
  folder.write("test/cat/t.png", picture(7));
  const DatasetSplits splits = scan_class_folders(folder.path() + "/");
  CHECK(splits.train.classes == std::vector<std::string>{"cat", "dog"});
  CHECK(names(splits.train) ==
        std::vector<std::string>{"train/cat/c.bmp", "train/dog/b.PNG", "train/dog/deep/er/a.JpEg"});
  CHECK(splits.train.class_counts() == std::vector<std::int64_t>{1, 2});
  REQUIRE(splits.val.samples.size() == 1);
  CHECK(splits.val.samples[0].label == 1);
  REQUIRE(splits.test.samples.size() == 1);
  CHECK(splits.test.samples[0].label == 0);
  CHECK(!splits.flat);
  CHECK(splits.hidden == 2);
  CHECK(splits.other_files == 1);
  CHECK(any_note(splits.notes, "no pictures of cat"));
}

TEST_CASE("wrong folders are errors that say what is wrong (I12)") {
  const TempFolder folder;
  CHECK(has(error_of([&] { scan_class_folders(folder.path() + "/nowhere"); }), "no such folder"));
  CHECK(has(scan_error(folder), "no class folders"));
  std::filesystem::create_directories(folder.path() + "/train/cat");
  CHECK(has(scan_error(folder), "no pictures"));
  folder.write("train/dog/a.png", picture(1));
  CHECK(has(scan_error(folder), "class folders without pictures: cat"));
  folder.write("train/cat/a.webp", {'x'});
  CHECK(has(scan_error(folder),
            "class folders without pictures: cat (train/cat/a.webp has no extension of jpg, "));
  std::filesystem::remove(folder.path() + "/train/cat/a.webp");
  folder.write("train/cat/a.png", picture(2));
  folder.write("val/wolf/a.png", picture(3));
  CHECK(has(scan_error(folder), "wolf"));
  std::filesystem::remove_all(folder.path() + "/val/wolf");
  CHECK(has(scan_error(folder), "/val: no pictures"));
  folder.write("val/dog/a.png", picture(4));
  CHECK(scan_error(folder).empty());
  CHECK(has(error_of([&] { scan_class_folders(folder.write("file", {'x'})); }), "not a folder"));
}

TEST_CASE("splits by the names that data sets come with, and what lies beside the pictures") {
  const TempFolder folder;
  for (const char* split : {"Training", "Testing", "valid"})
    for (const char* name : {"cat", "dog"})
      folder.write(std::string(split) + "/" + name + "/a.png", picture(split[0] * 10 + name[0]));
  folder.write("Training/cat/b.webp", {'x'});
  folder.write("__MACOSX/cat/a.png", picture(9));
  const DatasetSplits splits = scan_class_folders(folder.path());
  CHECK(splits.train.classes == std::vector<std::string>{"cat", "dog"});
  CHECK(splits.train.samples.size() == 2);
  CHECK(splits.val.samples.size() == 2);
  CHECK(splits.test.samples.size() == 2);
  CHECK(has_validation_folder(folder.path()));
  CHECK(any_note(splits.notes, "1 file without a picture's extension"));
  CHECK(any_note(splits.notes, "b.webp"));
  folder.write("train/cat/a.png", picture(1));
  CHECK(has(scan_error(folder), "has both Training/ and train/; keep one"));
}

TEST_CASE("a class of the name of a split stays a class once it is trained") {
  const TempFolder folder;
  for (const char* name : {"control", "test"}) folder.write(std::string(name) + "/a.png", picture(name[0]));
  CHECK(scan_class_folders(folder.path()).train.samples.size() == 2);
  CHECK(scan_class_folders(folder.path(), {.classes = {"control", "test"}}).train.samples.size() == 2);
}

TEST_CASE("one class, classes that differ only in case, imbalance (I12)") {
  const TempFolder folder;
  folder.write("Cat/a.png", picture(1));
  CHECK(scan_class_folders(folder.path()).train.classes.size() == 1);
  for (int i = 0; i < 11; ++i) folder.write("cat/" + std::to_string(i) + ".png", picture(2 + i));
  const DatasetSplits splits = scan_class_folders(folder.path());
  CHECK(splits.flat);
  CHECK(any_note(splits.notes, "only in case"));
  CHECK(any_note(splits.notes, "unbalanced"));
}

TEST_CASE("the classes of a checkpoint keep their order, and other folders are errors") {
  const TempFolder folder;
  folder.write("val/cat/a.png", picture(1));
  folder.write("val/dog/a.png", picture(2));
  const DatasetSplits splits = scan_class_folders(folder.path(), {.classes = {"dog", "bird", "cat"}});
  CHECK(splits.train.samples.empty());
  REQUIRE(splits.val.samples.size() == 2);
  CHECK(splits.val.samples[0].label == 2);
  CHECK(splits.val.samples[1].label == 0);
  CHECK(any_note(splits.notes, "bird"));
  CHECK(has(scan_error(folder, {.classes = {"dog", "bird"}}), "cat"));
}

TEST_CASE("val_split is stratified, seeded, and keeps identical files together") {
  const TempFolder folder;
  for (int i = 0; i < 40; ++i) folder.write("a/" + std::to_string(i) + ".png", picture(i));
  for (int i = 0; i < 10; ++i)
    folder.write("b/" + std::to_string(i) + ".png", picture(100 + i / 2));  // pairs of copies
  const ScanOptions options{.val_split = 0.2, .seed = 3};
  const DatasetSplits splits = scan_class_folders(folder.path(), options),
                      again = scan_class_folders(folder.path(), options);
  CHECK(splits.val.class_counts() == std::vector<std::int64_t>{8, 2});
  CHECK(splits.train.class_counts() == std::vector<std::int64_t>{32, 8});
  CHECK(names(splits.val) == names(again.val));
  CHECK(names(splits.val) != names(scan_class_folders(folder.path(), {.val_split = 0.2, .seed = 4}).val));
  std::set<std::string> all;
  for (const auto& part : {names(splits.train), names(splits.val)}) all.insert(part.begin(), part.end());
  CHECK(all.size() == 50);
  REQUIRE(splits.val.samples[8].label == 1);
  const int first = std::stoi(splits.val.samples[8].relative.substr(2)),
            second = std::stoi(splits.val.samples[9].relative.substr(2));
  CHECK(first / 2 == second / 2);
  CHECK(has(scan_error(folder, {.val_split = 1.0}), "val-split"));
}

TEST_CASE("a copy of a training picture in val is noted") {
  const TempFolder folder;
  folder.write("train/a/1.png", picture(1));
  folder.write("train/a/2.png", picture(2));
  folder.write("val/a/3.png", picture(3));
  CHECK(!any_note(scan_class_folders(folder.path()).notes, "byte for byte"));
  folder.write("val/a/4.png", picture(2));
  CHECK(any_note(scan_class_folders(folder.path()).notes, "1 val pictures are byte for byte in train"));
}

TEST_CASE("FIFOs, loops of links and broken links (I11)") {
  const TempFolder folder;
  folder.write("a/1.png", picture(1));
  REQUIRE(::mkfifo((folder.path() + "/a/pipe.jpg").c_str(), 0600) == 0);
  REQUIRE(::symlink("..", (folder.path() + "/a/up").c_str()) == 0);
  REQUIRE(::symlink(".", (folder.path() + "/a/self").c_str()) == 0);
  REQUIRE(::symlink("nowhere", (folder.path() + "/a/gone.jpg").c_str()) == 0);
  const DatasetSplits splits = scan_class_folders(folder.path() + "/");
  CHECK(splits.other_files == 1);
  const VerifyReport report = verify_images(splits.train, 2);
  REQUIRE(report.bad.size() == 1);
  CHECK(has(report.table(), "gone.jpg: cannot open"));
}

TEST_CASE("10 000 classes (I12)") {
  const TempFolder folder;
  for (int i = 0; i < 10'000; ++i) folder.write("c" + std::to_string(i) + "/a.png", {});
  const DatasetSplits splits = scan_class_folders(folder.path());
  CHECK(splits.train.classes.size() == 10'000);
  CHECK(splits.train.samples[1].relative == "c1/a.png");
}

TEST_CASE("verify lists the bad files with reasons, in order, for any number of threads") {
  const TempFolder folder;
  for (int i = 0; i < 30; ++i) folder.write("a/" + std::to_string(10 + i) + ".png", picture(i));
  folder.write("a/15.png", {});
  folder.write("a/20.png", text_bytes("<html>"));
  FileBytes half = make_jpeg(pattern(64, 64, 3));
  folder.write("a/25.png", half);
  half.resize(half.size() / 2);
  folder.write("a/30.png", half);
  Dataset dataset = scan_class_folders(folder.path()).train;
  const VerifyReport one = verify_images(dataset, 1), four = verify_images(dataset, 4);
  VerifyReport full = verify_images(dataset, 4, true);
  CHECK(one.table() == four.table());
  REQUIRE(one.bad.size() == 2);
  CHECK(one.bad[0].index == 5);
  CHECK(has(one.table(), "15.png: empty file (0 bytes)\n"));
  CHECK(any_note(one.notes, "2 files: JPEG named .png (first: a/25.png)"));
  CHECK(one.facts.size() == 30);
  CHECK(one.facts[15].header.width == 64);
  CHECK(std::string(one.facts[15].header.format) == "JPEG");
  CHECK_FALSE(one.facts[5].good);
  CHECK_FALSE(one.facts[6].decoded);
  CHECK(full.facts[6].decoded);
  CHECK(one.pixels() == 26 * 36 + 2 * 64 * 64);
  REQUIRE(full.bad.size() == 3);
  CHECK(has(full.bad[2].reason, "premature end"));

  CHECK(has(error_of([&] { drop_bad(dataset, full, 0.01); }), "3 of 30"));
  drop_bad(dataset, full, 0.1);
  CHECK(dataset.samples.size() == 27);
  CHECK(full.facts.size() == 27);
  CHECK(std::all_of(full.facts.begin(), full.facts.end(), [](const PictureFacts& f) { return f.good; }));
  CHECK(verify_images(dataset, 2, true).bad.empty());
}

TEST_CASE("a class that loses all its pictures is an error") {
  const TempFolder folder;
  folder.write("a/1.png", picture(1));
  folder.write("b/1.png", {});
  Dataset dataset = scan_class_folders(folder.path()).train;
  VerifyReport report = verify_images(dataset, 1);
  CHECK(has(error_of([&] { drop_bad(dataset, report, 0.9); }), "class b"));
}

TEST_CASE("the fingerprint tells contents and labels, not places") {
  const TempFolder one, two;
  for (const TempFolder* folder : {&one, &two}) {
    folder->write("a/1.png", picture(1));
    folder->write("b/2.png", picture(2));
  }
  const auto print = [](const TempFolder& folder) {
    return fingerprint(scan_class_folders(folder.path()).train);
  };
  CHECK(print(one).size() == 16);
  CHECK(print(one) == print(two));
  FileBytes changed = picture(2);
  changed.back() ^= 1;
  two.write("b/2.png", changed);
  CHECK(print(one) != print(two));
  two.write("b/2.png", picture(2));
  CHECK(print(one) == print(two));
  two.write("b/3.png", picture(3));
  CHECK(print(one) != print(two));
}
