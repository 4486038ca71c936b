// Pictures and labels from class folders: DIR/{train,val[,test]}/CLASS/* or DIR/CLASS/*.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace thaw {

struct PictureFile {
  std::string path;         // to open
  std::uint64_t bytes = 0;  // the file's size
  std::string relative{};   // as the data names it, for reports
};

// A picture, or a case of several pictures (views) and numbers (features): csv_dataset.h.
struct Sample {
  std::string path;         // to open
  std::string relative;     // below the data folder, with '/'; for reports, sorting and the fingerprint
  int label = 0;            // index into Dataset::classes
  std::uint64_t bytes = 0;  // the file's size
  std::vector<PictureFile> more_views{};  // all but the first
  std::vector<double> features{};
  std::string group{};  // of cases that belong together; empty: none

  const std::string& view(std::size_t v) const { return v == 0 ? path : more_views.at(v - 1).path; }
  std::vector<std::string> names() const;  // `relative` of all views
};

struct Dataset {
  std::vector<std::string> classes;     // all splits of a folder carry the same list
  std::vector<Sample> samples;          // of a folder: sorted by `relative` (byte order)
  int views = 1;                        // pictures of every sample
  std::vector<std::string> features{};  // names

  std::vector<std::int64_t> class_counts() const;
};

struct ScanOptions {
  double val_split = 0;    // of DIR/CLASS/*: this share of every class becomes `val`; [0, 1)
  std::uint64_t seed = 0;  // of that split
  // Where not empty, a regular expression: pictures of which it finds the same in their relative path (the first group's
  // text, or all that matched) stay on one side of val_split, as the cases of one group of a CSV file do.
  std::string split_by{};
  // Where not empty, the class list to use (a checkpoint's, in its order). A folder outside it is an error.
  // Otherwise the list is the sorted names of the training folders.
  std::vector<std::string> classes{};
  // The features to take of a CSV file (a checkpoint's, in its order); without it, all there are.
  std::optional<std::vector<std::string>> features{};
};

struct DatasetSplits {
  Dataset train;
  Dataset val;                       // DIR/val, or split off
  Dataset test;                      // DIR/test
  bool flat = false;                 // DIR/CLASS/*: without val_split everything is in `train`
  bool split_off = false;            // `val` is what val_split took out of `train`
  std::int64_t hidden = 0;           // names that begin with '.', neither classes nor pictures
  std::int64_t other_files = 0;      // files that are no pictures by their name, and things that are no files
  std::vector<std::string> notes{};  // lines for the user: ignored files, classes missing in val, imbalance
                                     // over 10, identical files in train and val
};

// Whether `directory` has folders train and val, so that its splits are its folders; other names and any case of letters as
// scan_class_folders takes them.
bool has_validation_folder(const std::string& directory);

// Lists the pictures below `directory`; opens none of them, except to compare files of equal size by their
// contents (for val_split, which keeps identical files on one side, and for the note on train and val). A
// class holds files with a picture's extension in any case of letters, in nested folders too;
// links are followed, each folder once. val_split is stratified and depends on seed, class, and the files'
// order only. Throws Error where the folder can't be read, holds no pictures, a training class is empty, or
// val/test has a class that training lacks.
DatasetSplits scan_class_folders(const std::string& directory, const ScanOptions& options = {});

// 16 hexadecimal digits over the class list, the relative names, labels and bytes of all files, and what
// cases have beyond one picture: reads every file. Equal for equal folders, wherever they lie.
std::string fingerprint(const Dataset& dataset);

}  // namespace thaw
