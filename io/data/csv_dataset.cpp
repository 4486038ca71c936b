#include "io/data/csv_dataset.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "io/data/class_folders.h"
#include "io/data/csv.h"
#include "io/data/notes.h"
#include "io/file/bytes.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {

using namespace dataset_detail;

namespace {

constexpr std::uint64_t largest_file = std::uint64_t{256} << 20;

// A row, before labels become numbers.
struct Row {
  std::int64_t line = 0;
  std::string label;
  std::string split;  // "train", "val", "test"
  Sample sample;
};

class CsvReader {
 public:
  CsvReader(const std::string& file, const ScanOptions& options)
      : file_(file), table_(parse_csv(as_text(FileBytes(file, largest_file).bytes()), file)) {
    const std::size_t slash = file.rfind('/');
    folder_ = slash == std::string::npos ? "" : file.substr(0, slash + 1);
    find_columns(options);
  }

  bool has_split() const { return split_ >= 0; }
  int views() const { return static_cast<int>(paths_.size()); }
  const std::vector<std::string>& features() const { return features_; }
  const std::vector<std::string>& ignored() const { return ignored_; }

  std::vector<Row> rows() const {
    std::vector<Row> rows;
    for (const CsvRow& from : table_.rows) rows.push_back(row(from));
    return rows;
  }

  [[noreturn]] void fail(std::int64_t line, const std::string& what) const {
    throw Error(printable(file_) + ":" + std::to_string(line) + ": " + what);
  }

 private:
  int find(const std::string& name) const {
    const auto found = std::find(table_.columns.begin(), table_.columns.end(), name);
    return found == table_.columns.end() ? -1 : static_cast<int>(found - table_.columns.begin());
  }

  void find_columns(const ScanOptions& options) {
    std::set<std::string> known{"path", "label", "split", "group"};
    for (std::string name = "path"; find(name) >= 0; name = "path" + std::to_string(paths_.size() + 1)) {
      paths_.push_back(find(name));
      known.insert(name);
    }
    label_ = find("label"), split_ = find("split"), group_ = find("group");
    if (paths_.empty() || label_ < 0)
      fail(1, "there is no column '" + std::string(paths_.empty() ? "path" : "label") + "' among " +
                  joined(table_.columns) +
                  "; the columns are path[,path2...],label[,split][,group] and numeric features, with commas "
                  "between");
    for (const std::string& name : table_.columns) {
      if (known.contains(name)) continue;
      if (name.starts_with("path") && name.find_first_not_of("0123456789", 4) == std::string::npos)
        fail(1, "column '" + name + "', but there is no column 'path" +
                    (paths_.size() == 1 ? "2" : std::to_string(paths_.size() + 1)) +
                    "'; views are path, path2, path3, ...");
      const bool wanted = !options.features || std::find(options.features->begin(), options.features->end(),
                                                         name) != options.features->end();
      (wanted ? features_ : ignored_).push_back(name);
    }
    if (options.features) features_ = *options.features;
    for (const std::string& name : features_) {
      if (find(name) < 0)
        fail(1, "there is no column '" + printable(name) + "', a feature that the model was trained with");
      columns_.push_back(find(name));
    }
  }

  const std::string& field(const CsvRow& row, int column) const {
    return row.fields[static_cast<std::size_t>(column)];
  }

  Row row(const CsvRow& from) const {
    Row row;
    row.line = from.line;
    row.label = field(from, label_);
    if (row.label.empty()) fail(from.line, "the label is empty");
    row.split = split_ < 0 ? "train" : field(from, split_);
    if (row.split == "validation") row.split = "val";
    if (row.split != "train" && row.split != "val" && row.split != "test")
      fail(from.line, "split '" + printable(row.split) + "' is none of train, val, test");
    if (group_ >= 0) row.sample.group = field(from, group_);
    row.sample.relative = field(from, paths_.front());
    for (std::size_t v = 0; v < paths_.size(); ++v) {
      PictureFile picture = file_of(from, paths_[v]);
      if (v > 0) {
        row.sample.more_views.push_back(std::move(picture));
      } else {
        row.sample.path = std::move(picture.path);
        row.sample.bytes = picture.bytes;
      }
    }
    for (const int column : columns_) row.sample.features.push_back(number(from, column));
    return row;
  }

  PictureFile file_of(const CsvRow& row, int column) const {
    const std::string& name = field(row, column);
    if (name.empty()) fail(row.line, table_.columns[static_cast<std::size_t>(column)] + " is empty");
    PictureFile picture;
    picture.relative = name;
    picture.path = name.front() == '/' ? name : folder_ + name;
    struct stat status {};
    if (::stat(picture.path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
      fail(row.line, "there is no file " + printable(picture.path) +
                         "; paths are relative to the folder of the CSV file");
    picture.bytes = static_cast<std::uint64_t>(status.st_size);
    return picture;
  }

  double number(const CsvRow& row, int column) const {
    const std::string& text = field(row, column);
    double value = 0;
    const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
      fail(row.line,
           "'" + printable(text) + "' in column '" +
               printable(table_.columns[static_cast<std::size_t>(column)]) +
               "' is no finite number; columns besides path, label, split and group are features: mend "
               "the value, or take the column out");
    return value;
  }

  std::string file_, folder_;
  CsvTable table_;
  std::vector<int> paths_, columns_;  // of the views and the features
  int label_ = -1, split_ = -1, group_ = -1;
  std::vector<std::string> features_, ignored_;
};

// A group on two sides would let the network recognise what it is tested on.
void check_groups(const CsvReader& reader, const std::vector<Row>& rows) {
  std::map<std::string, const Row*> first;
  for (const Row& row : rows) {
    if (row.sample.group.empty()) continue;
    const Row& other = *first.emplace(row.sample.group, &row).first->second;
    if (other.split != row.split)
      reader.fail(row.line, "group '" + printable(row.sample.group) + "' is in " + row.split +
                                " here and in " + other.split + " in line " + std::to_string(other.line) +
                                "; a group stays on one side");
  }
}

std::vector<std::string> training_labels(const std::vector<Row>& rows) {
  std::set<std::string> labels;
  for (const Row& row : rows)
    if (row.split == "train") labels.insert(row.label);
  return {labels.begin(), labels.end()};
}

}  // namespace

DatasetSplits scan_csv(const std::string& file, const ScanOptions& options) {
  if (!(options.val_split >= 0 && options.val_split < 1)) throw Error("--val-split must be in [0, 1)");
  const CsvReader reader(file, options);
  std::vector<Row> rows = reader.rows();
  check_groups(reader, rows);

  DatasetSplits splits;
  splits.flat = !reader.has_split();
  const std::vector<std::string> classes = options.classes.empty() ? training_labels(rows) : options.classes;
  if (classes.empty()) throw Error(printable(file) + ": no row has the split train");
  for (Dataset* dataset : {&splits.train, &splits.val, &splits.test}) {
    dataset->classes = classes;
    dataset->views = reader.views();
    dataset->features = reader.features();
  }
  for (Row& row : rows) {
    const auto label = std::find(classes.begin(), classes.end(), row.label);
    if (label == classes.end())
      reader.fail(row.line, "label '" + printable(row.label) +
                                "' is not among the trained classes: " + joined(classes));
    row.sample.label = static_cast<int>(label - classes.begin());
    Dataset& to = row.split == "train" ? splits.train : row.split == "val" ? splits.val : splits.test;
    to.samples.push_back(std::move(row.sample));
  }

  if (!reader.ignored().empty()) splits.notes.push_back("ignored columns: " + joined(reader.ignored()));
  if (splits.flat && options.val_split > 0)
    split_off_validation(splits, options);
  else if (!splits.train.samples.empty() && !splits.val.samples.empty()) {
    if (!options.split_by.empty()) note_groups(splits, options.split_by);
    note_copies(splits.train, splits.val, splits.notes);
  }
  note_case(classes, splits.notes);
  if (!splits.train.samples.empty()) note_imbalance(splits.train, splits.notes);
  return splits;
}

}  // namespace thaw
