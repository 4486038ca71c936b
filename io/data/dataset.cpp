#include "io/data/dataset.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "io/data/class_folders.h"
#include "io/data/notes.h"
#include "io/data/split.h"
#include "io/file/text.h"
#include "io/picture/formats.h"
#include "kernels/error.h"

namespace thaw {

using namespace dataset_detail;

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<const char*, 2> train_names{"train", "training"};
constexpr std::array<const char*, 3> val_names{"val", "valid", "validation"};
constexpr std::array<const char*, 2> test_names{"test", "testing"};

// The folder of `top` that is a split of one of these names, in whatever case; "": none. A trained class is no split.
template <std::size_t N>
std::string split_folder(const std::string& root, const std::vector<std::string>& top,
                         const std::array<const char*, N>& names, const std::vector<std::string>& classes) {
  std::string found;
  for (const std::string& folder : top) {
    std::string lower = folder;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (std::find(names.begin(), names.end(), lower) == names.end() || contains(classes, folder)) continue;
    if (!found.empty())
      throw Error(printable(root) + ": has both " + found + "/ and " + folder + "/; keep one");
    found = folder;
  }
  return found;
}

// "3 files", "1 file".
std::string counted(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// "60 .tif files: a format that is not read; save them as PNG".
std::string unread_pictures(const FolderCounts& counts) {
  std::string text;
  for (const auto& [extension, count] : counts.unread)
    text += (text.empty() ? "" : ", ") + counted(count, extension + " file");
  return text + ": formats that are not read; save them as PNG or JPEG";
}

// Reads the class folders of one split. `complete`: every class must have pictures.
Dataset read_split(const std::string& directory, const std::string& prefix,
                   const std::vector<std::string>& folders, const std::vector<std::string>& classes,
                   bool complete, FolderCounts& counts, std::vector<std::string>& notes) {
  Dataset dataset;
  dataset.classes = classes;
  std::vector<std::string> extra, missing;
  for (const std::string& folder : folders) {
    if (!contains(classes, folder)) extra.push_back(folder);
  }
  if (!extra.empty()) {
    throw Error(printable(directory) + ": class folders that are not among the " +
                std::to_string(classes.size()) + " trained classes: " + joined(extra) +
                " (known: " + joined(classes) + "); rename or remove them");
  }
  for (std::size_t label = 0; label < classes.size(); ++label) {
    const std::string& name = classes[label];
    std::vector<Sample> found;
    if (contains(folders, name)) found = list_pictures(directory + "/" + name, prefix + name, counts);
    if (found.empty()) missing.push_back(name);
    for (Sample& sample : found) {
      sample.label = static_cast<int>(label);
      dataset.samples.push_back(std::move(sample));
    }
  }
  if (dataset.samples.empty() && !counts.unread.empty())
    throw Error(printable(directory) + ": no pictures that are read in the class folders " + joined(classes) +
                "; " + unread_pictures(counts));
  if (dataset.samples.empty()) {
    throw Error(printable(directory) + ": no pictures (" + image_detail::picture_extensions() +
                ") in the class folders " + joined(classes));
  }
  if (!missing.empty() && complete) {
    throw Error(printable(directory) + ": class folders without pictures: " + joined(missing) +
                (counts.other > 0 ? " (" + printable(counts.first_other) + " has no extension of " +
                                        image_detail::picture_extensions() + ")"
                                  : "") +
                "; fill or remove them");
  }
  if (!missing.empty()) notes.push_back(printable(directory) + ": no pictures of " + joined(missing));
  std::sort(dataset.samples.begin(), dataset.samples.end(),
            [](const Sample& a, const Sample& b) { return a.relative < b.relative; });
  return dataset;
}

}  // namespace

std::vector<std::string> Sample::names() const {
  std::vector<std::string> names{relative};
  for (const PictureFile& view : more_views) names.push_back(view.relative);
  return names;
}

std::vector<std::int64_t> Dataset::class_counts() const {
  std::vector<std::int64_t> counts(classes.size());
  for (const Sample& sample : samples) ++counts.at(static_cast<std::size_t>(sample.label));
  return counts;
}

DatasetSplits scan_class_folders(const std::string& directory, const ScanOptions& options) {
  std::string root = directory;
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  if (!(options.val_split >= 0 && options.val_split < 1)) throw Error("--val-split must be in [0, 1)");
  struct stat status {};
  if (::stat(root.c_str(), &status) != 0) throw Error(printable(root) + ": no such folder");
  if (!S_ISDIR(status.st_mode)) throw Error(printable(root) + ": not a folder");

  DatasetSplits splits;
  FolderCounts counts;
  const std::vector<std::string> top = list_folders(root, counts);
  const std::string train = split_folder(root, top, train_names, options.classes),
                    val = split_folder(root, top, val_names, options.classes),
                    test = split_folder(root, top, test_names, options.classes);
  const bool has_train = !train.empty();
  const bool layered = has_train || (!options.classes.empty() && (!val.empty() || !test.empty()));
  splits.flat = !layered;

  std::vector<std::string> folders = top;
  const std::string train_path = layered ? root + "/" + train : root;
  if (layered) folders = has_train ? list_folders(train_path, counts) : std::vector<std::string>{};
  if (folders.empty() && (!layered || has_train)) {
    throw Error(printable(train_path) + ": no class folders; expected " + printable(directory) +
                "/CLASS/* or " + printable(directory) + "/{train,val}/CLASS/*");
  }
  const std::vector<std::string> classes = options.classes.empty() ? folders : options.classes;
  const bool complete = options.classes.empty();
  if (!layered || has_train) {
    splits.train =
        read_split(train_path, layered ? train + "/" : "", folders, classes, complete, counts, splits.notes);
  }
  const auto read_other = [&](const std::string& name, Dataset& dataset) {
    const std::string path = root + "/" + name;
    dataset = read_split(path, name + "/", list_folders(path, counts), classes, false, counts, splits.notes);
  };
  splits.train.classes = splits.val.classes = splits.test.classes = classes;
  if (layered && !val.empty()) read_other(val, splits.val);
  if (layered && !test.empty()) read_other(test, splits.test);
  for (const std::string& name : top) {
    if (layered && name != train && name != val && name != test)
      splits.notes.push_back("ignored folder: " + printable(name));
  }

  if (!options.split_by.empty() && !splits.val.samples.empty()) note_groups(splits, options.split_by);
  if (options.val_split > 0 && !splits.val.samples.empty()) {
    splits.notes.push_back("--val-split is not used: " + val + "/ is there");
  } else if (options.val_split > 0 && !splits.train.samples.empty()) {
    split_off_validation(splits, options);
  } else if (!splits.train.samples.empty() && !splits.val.samples.empty()) {
    note_copies(splits.train, splits.val, splits.notes);
  }
  splits.hidden = counts.hidden;
  splits.other_files = counts.other;
  if (counts.hidden > 0)
    splits.notes.push_back(counts.hidden == 1
                               ? "1 hidden file or folder ignored"
                               : std::to_string(counts.hidden) + " hidden files or folders ignored");
  if (!counts.unread.empty()) splits.notes.push_back(unread_pictures(counts));
  if (counts.other > 0)
    splits.notes.push_back(counted(counts.other, "file") + " without a picture's extension (" +
                           image_detail::picture_extensions() + ") ignored; the first is " +
                           printable(counts.first_other));
  note_case(classes, splits.notes);
  if (!splits.train.samples.empty()) note_imbalance(splits.train, splits.notes);
  return splits;
}

bool has_validation_folder(const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) return false;
  FolderCounts counts;
  const std::vector<std::string> folders = list_folders(directory, counts);
  return !split_folder(directory, folders, train_names, {}).empty() &&
         !split_folder(directory, folders, val_names, {}).empty();
}

std::string fingerprint(const Dataset& dataset) {
  std::uint64_t hash = hash_start;
  const auto add = [&](const std::string& text) { hash = hash_bytes(hash, text.c_str(), text.size() + 1); };
  for (const std::string& name : dataset.classes) add(name);
  for (const std::string& name : dataset.features) add(name);
  for (const Sample& sample : dataset.samples) {
    add(sample.relative);
    add(std::to_string(sample.label) + " " + std::to_string(sample.bytes));
    add(std::to_string(hash_file(sample.path, sample.bytes)));
    for (const PictureFile& view : sample.more_views) {
      add(view.path.substr(view.path.rfind('/') + 1) + " " + std::to_string(view.bytes));
      add(std::to_string(hash_file(view.path, view.bytes)));
    }
    for (const double x : sample.features) hash = hash_bytes(hash, &x, sizeof x);
  }
  constexpr char digits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) text[15 - i] = digits[(hash >> (4 * i)) & 15];
  return text;
}

}  // namespace thaw
