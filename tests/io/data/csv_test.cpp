#include "io/data/csv.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "io/data/csv_dataset.h"
#include "io/data/feature_scale.h"
#include "io/data/loader.h"
#include "io/data/verify.h"
#include "kernels/error.h"

namespace thaw {
namespace {

using Fields = std::vector<std::string>;

TEST_CASE("CSV: quotes, line ends, byte order mark, empty lines and spaces") {
  const CsvTable table = parse_csv(
      "\xef\xbb\xbfpath, label ,note\r\n\r\na.png,\"x, \"\"y\"\"\nz\", 1 \r\n  \n\"b.png\" ,,\"\"\n"
      "c.png,k,end",
      "t.csv");
  CHECK(table.columns == Fields{"path", "label", "note"});
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0].fields == Fields{"a.png", "x, \"y\"\nz", "1"});
  CHECK(table.rows[0].line == 3);
  CHECK(table.rows[1].fields == Fields{"b.png", "", ""});
  CHECK(table.rows[1].line == 6);
  CHECK(table.rows[2].fields == Fields{"c.png", "k", "end"});
}

TEST_CASE("CSV: what is malformed is named with its line") {
  const std::pair<std::string, const char*> cases[] = {
      {"", "t.csv: is empty; the first line names the columns"},
      {"\n \n", "t.csv: is empty; the first line names the columns"},
      {"a,b\n", "t.csv: has no rows below the names of the columns"},
      {"a,b\n1,2\n\n3\n", "t.csv:4: 1 fields, but the first line names 2 columns"},
      {"a,b\n1,2,3\n", "t.csv:2: 3 fields, but the first line names 2 columns"},
      {"a,a\n1,2\n", "t.csv:1: two columns are named 'a'"},
      {"a,\n1,2\n", "t.csv:1: a column without a name"},
      {"a,b\n1,\"2\n3\n", "t.csv:2: a quote that is opened here is never closed"},
      {"a,b\n1,\"2\"x\n", "t.csv:2: the closing quote is followed by more text"},
      {"a,b\n1,x\"2\n",
       "t.csv:2: a quote inside a field; put the whole field in quotes and double those inside"},
      {std::string("a,b\n1,\0\n", 8), "t.csv:2: a NUL byte; save the file as UTF-8"}};
  for (const auto& [text, message] : cases) CHECK_THROWS_WITH_AS(parse_csv(text, "t.csv"), message, Error);
}

// A folder with pictures of 8x8 pixels, each of its own grey, and a CSV file.
struct Folder {
  std::filesystem::path path;
  explicit Folder(const std::string& name) : path(std::filesystem::temp_directory_path() / ("thaw_" + name)) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path / "p");
    for (int i = 0; i < 24; ++i) {
      std::ofstream out(path / picture(i), std::ios::binary);
      out << "P5 8 8 255\n" << std::string(64, static_cast<char>(i * 8));
    }
  }
  ~Folder() { std::filesystem::remove_all(path); }
  static std::string picture(int i) { return "p/" + std::to_string(i) + ".pgm"; }
  std::string csv(const std::string& text) const {
    std::ofstream(path / "data.csv") << text;
    return (path / "data.csv").string();
  }
  std::string error(const std::string& text, const ScanOptions& options = {}) const {
    try {
      scan_csv(csv(text), options);
    } catch (const Error& e) {
      const std::string what = e.what(), start = (path / "data.csv").string();
      return what.starts_with(start) ? what.substr(start.size()) : what;
    }
    return "";
  }
};

TEST_CASE("CSV data: views, splits, features in the file's order, groups") {
  const Folder folder("csv_columns");
  const DatasetSplits splits =
      scan_csv(folder.csv("age,path2,path,label,split,group\n"
                          "1,p/1.pgm,p/0.pgm,yes,train,a\n3e0,p/3.pgm,p/2.pgm,no,train,a\n"
                          "-5,p/5.pgm,p/4.pgm,no,validation,b\n+7,p/7.pgm,p/6.pgm,yes,test,\n"));
  CHECK(splits.train.classes == Fields{"no", "yes"});
  CHECK(splits.train.views == 2);
  CHECK(splits.val.features == Fields{"age"});
  CHECK(!splits.flat);
  REQUIRE(splits.train.samples.size() == 2);
  const Sample& first = splits.train.samples[0];
  CHECK(first.relative == "p/0.pgm");
  CHECK(first.view(1) == (folder.path / "p/1.pgm").string());
  CHECK(first.label == 1);
  CHECK(first.features == std::vector<double>{1});
  REQUIRE(splits.val.samples.size() == 1);
  CHECK(splits.val.samples[0].features[0] == -5);
  REQUIRE(splits.test.samples.size() == 1);
  CHECK(splits.test.samples[0].features[0] == 7);
  CHECK(verify_images(splits.train, 1).bad.empty());

  DatasetSplits scaled = splits;
  const std::vector<FeatureScale> scales = feature_scales(splits.train);
  REQUIRE(scales.size() == 1);
  CHECK(scales[0].mean == 2);
  CHECK(scales[0].std == 1);
  standardise(scaled.val, scales);
  CHECK(scaled.val.samples[0].features[0] == -7);
  CHECK_THROWS_AS(standardise(scaled.val, {}), Error);
}

TEST_CASE("CSV data: a constant feature becomes 0, not infinite") {
  Dataset train;
  train.features = {"x"};
  train.samples.resize(3);
  for (Sample& sample : train.samples) sample.features = {0.1};
  standardise(train, feature_scales(train));
  for (const Sample& sample : train.samples) CHECK(std::abs(sample.features[0]) < 1e-12);
}

TEST_CASE("CSV data: what does not fit is named with its line") {
  const Folder folder("csv_errors");
  const auto has = [&](const std::string& text, const std::string& part) {
    const std::string error = folder.error(text);
    CHECK_MESSAGE(error.find(part) != std::string::npos, error);
  };
  has("path;label\np/0.pgm;a\n", ":1: there is no column 'path' among path;label");
  has("path,class\np/0.pgm,a\n", ":1: there is no column 'label' among path, class");
  has("path,path3,label\np/0.pgm,p/1.pgm,a\n", ":1: column 'path3', but there is no column 'path2'");
  has("path,label\np/0.pgm,\n", ":2: the label is empty");
  has("path,label\n,a\n", ":2: path is empty");
  has("path,path2,label\np/0.pgm,p/99.pgm,a\n", ":2: there is no file ");
  has("path,label\np,a\n", ":2: there is no file ");
  has("path,label,split\np/0.pgm,a,train\np/1.pgm,a,dev\n", ":3: split 'dev' is none of train, val, test");
  has("path,label,age\np/0.pgm,a,old\n", ":2: 'old' in column 'age' is no finite number");
  has("path,label,age\np/0.pgm,a,\n", ":2: '' in column 'age' is no finite number");
  has("path,label,age\np/0.pgm,a,nan\n", ":2: 'nan' in column 'age' is no finite number");
  has("path,label,age\np/0.pgm,a,1x\n", ":2: '1x' in column 'age' is no finite number");
  has("path,label,split\np/0.pgm,a,val\n", ": no row has the split train");
  has("path,label,split\np/0.pgm,a,train\np/1.pgm,b,val\n",
      ":3: label 'b' is not among the trained classes: a");
  has("path,label,split,group\np/0.pgm,a,train,g\np/1.pgm,a,val,g\n",
      ":3: group 'g' is in val here and in train in line 2");
  CHECK(folder.error("path,label\np/0.pgm,a\n", {.features = Fields{"age"}}) ==
        ":1: there is no column 'age', a feature that the model was trained with");
}

TEST_CASE("CSV data: a checkpoint's features are taken in its order, other columns left") {
  const Folder folder("csv_known");
  const DatasetSplits splits =
      scan_csv(folder.csv("path,label,a,b,id\np/0.pgm,x,1,2,none\np/1.pgm,y,3,4,none\n"),
               {.classes = {"y", "x"}, .features = Fields{"b", "a"}});
  CHECK(splits.train.samples[0].features == std::vector<double>{2, 1});
  CHECK(splits.train.samples[0].label == 1);
  CHECK(splits.notes == Fields{"ignored columns: id"});
}

TEST_CASE("CSV data: --val-split is stratified and keeps groups and equal pictures on one side") {
  const Folder folder("csv_split");
  std::filesystem::copy_file(folder.path / "p/0.pgm", folder.path / "p/copy.pgm");
  std::string text = "path,path2,label,group\n";
  for (int i = 0; i < 24; ++i)  // groups of three; case 23's second view has the bytes of case 0's first
    text += Folder::picture(i) + "," + (i == 23 ? "p/copy.pgm" : Folder::picture(i)) + "," +
            (i % 2 == 0 ? "a" : "b") + ",g" + std::to_string(i / 3) + "\n";
  bool joined_in_val = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const DatasetSplits splits = scan_csv(folder.csv(text), {.val_split = 0.3, .seed = seed});
    CHECK(splits.flat);
    CHECK(splits.val.samples.size() + splits.train.samples.size() == 24);
    CHECK(splits.val.samples.size() >= 3);
    std::set<std::string> train, val;
    for (const Sample& s : splits.train.samples) train.insert(s.group);
    for (const Sample& s : splits.val.samples) val.insert(s.group);
    for (const std::string& group : val) CHECK(!train.contains(group));
    CHECK(val.contains("g0") == val.contains("g7"));
    joined_in_val = joined_in_val || val.contains("g0");
    for (const std::int64_t count : splits.val.class_counts()) CHECK(count >= 1);
  }
  CHECK(joined_in_val);
}

TEST_CASE("CSV data: a class that shares its only group with another class is not split away") {
  const Folder folder("csv_shared_group");
  std::string text = "path,label,group\n";
  for (int i = 0; i < 8; ++i)
    text += Folder::picture(i) + "," + (i < 6 ? "a" : "b") + ",g" + std::to_string(i < 5 ? i : 5) + "\n";
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const DatasetSplits splits = scan_csv(folder.csv(text), {.val_split = 0.3, .seed = seed});
    for (const std::int64_t count : splits.train.class_counts()) CHECK(count >= 1);
  }
}

TEST_CASE("CSV data: a batch holds a case's views in a row, its features beside them") {
  const Folder folder("csv_batch");
  DatasetSplits splits = scan_csv(folder.csv(
      "path,path2,label,x,y\np/0.pgm,p/1.pgm,a,1,2\np/2.pgm,p/3.pgm,b,3,4\np/4.pgm,p/5.pgm,a,5,6\n"));
  Preprocess preprocess;
  preprocess.input_size = 8;
  preprocess.crop_pct = 1;
  preprocess.channels = 1;
  preprocess.mean = preprocess.std = {0.5f};
  LoaderOptions options;
  options.batch_size = 2;
  for (const int workers : {0, 2}) {
    options.workers = workers;
    Loader loader(splits.train, preprocess, options);
    loader.start_epoch(0);
    Batch batch;
    REQUIRE(loader.next(batch));
    CHECK(batch.size() == 2);
    REQUIRE(batch.images.shape() == Shape{4, 1, 8, 8});
    for (int picture = 0; picture < 4; ++picture)
      CHECK(batch.images.as<std::uint8_t>()[picture * 64 + 17] == picture * 8);
    CHECK(to_contiguous(batch.features) == std::vector<float>{1, 2, 3, 4});
    CHECK(batch.flips.size() == 4);
    REQUIRE(loader.next(batch));
    CHECK(batch.images.as<std::uint8_t>()[64] == 5 * 8);
    CHECK(to_contiguous(batch.features) == std::vector<float>{5, 6});
    CHECK(!loader.next(batch));
  }
  // Each view draws its own augmentation, the first case's first view that of a sample without views.
  options.train = true;
  options.batch_size = 3;
  options.seed = 3;
  Loader loader(splits.train, preprocess, options);
  bool differ = false;
  for (std::uint32_t epoch = 0; epoch < 8; ++epoch) {
    loader.start_epoch(epoch);
    Batch batch;
    REQUIRE(loader.next(batch));
    for (std::uint64_t i = 0; i < 6; ++i) {
      PhiloxStream random(3, Purpose::augment, epoch, i);
      random.below(9), random.below(9);
      CHECK((batch.flips[i] == 1) == (random.uniform() < 0.5f));
      differ = differ || batch.flips[i] != batch.flips[i ^ 1];
    }
  }
  CHECK(differ);
}

TEST_CASE("CSV data: the fingerprint sees the second view and the features") {
  const Folder folder("csv_fingerprint");
  const auto print = [&](const std::string& text) { return fingerprint(scan_csv(folder.csv(text)).train); };
  const std::string base = print("path,path2,label,x\np/0.pgm,p/1.pgm,a,1\n");
  CHECK(base == print("path,path2,label,x\np/0.pgm,p/1.pgm,a,1\n"));
  CHECK(base != print("path,path2,label,x\np/0.pgm,p/2.pgm,a,1\n"));
  CHECK(base != print("path,path2,label,x\np/0.pgm,p/1.pgm,a,2\n"));
  CHECK(base != print("path,path2,label,y\np/0.pgm,p/1.pgm,a,1\n"));
}

TEST_CASE("csv: a column whose spread is beyond a double is refused by name") {
  Dataset train;
  train.features = {"age", "huge"};
  for (const double value : {1e308, -1e308}) {
    Sample sample;
    sample.features = {1.0, value};
    train.samples.push_back(sample);
  }
  CHECK_THROWS_WITH_AS(feature_scales(train), doctest::Contains("column 'huge'"), Error);
}

}  // namespace
}  // namespace thaw
