#include "io/data/notes.h"

#include <algorithm>
#include <regex>
#include <set>

#include "io/data/class_folders.h"
#include "io/data/split.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw::dataset_detail {

namespace {

// What reports call the file at `path`.
std::string name_of(const Dataset& dataset, const std::string& path) {
  for (const Sample& sample : dataset.samples)
    if (sample.path == path) return sample.relative;
  return path;
}

}  // namespace

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < 8; ++i) text += (i > 0 ? ", " : "") + printable(names[i]);
  return names.size() > 8 ? text + ", ..." : text;
}

void note_imbalance(const Dataset& train, std::vector<std::string>& notes) {
  const std::vector<std::int64_t> counts = train.class_counts();
  const auto [low, high] = std::minmax_element(counts.begin(), counts.end());
  if (counts.empty() || *low == 0 || *high <= 10 * *low) return;
  notes.push_back("classes are unbalanced: " + printable(train.classes[high - counts.begin()]) + " has " +
                  std::to_string(*high) + " training pictures, " +
                  printable(train.classes[low - counts.begin()]) + " has " + std::to_string(*low));
}

void note_case(const std::vector<std::string>& classes, std::vector<std::string>& notes) {
  std::set<std::string> seen;
  for (std::string name : classes) {
    const std::string original = name;
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (!seen.insert(name).second) notes.push_back("class names differ only in case: " + printable(original));
  }
}

void note_copies(const Dataset& train, const Dataset& val, std::vector<std::string>& notes) {
  constexpr std::size_t most = 50'000;  // beyond it the start would take too long
  const std::vector<PictureFile> train_files = pictures_of(train.samples),
                                 val_files = pictures_of(val.samples);
  std::set<std::uint64_t> train_sizes, val_sizes;
  for (const PictureFile& file : train_files) train_sizes.insert(file.bytes);
  for (const PictureFile& file : val_files) val_sizes.insert(file.bytes);
  std::vector<PictureFile> candidates;
  for (const PictureFile& file : train_files) {
    if (val_sizes.contains(file.bytes)) candidates.push_back(file);
  }
  const std::size_t train_count = candidates.size();
  for (const PictureFile& file : val_files) {
    if (train_sizes.contains(file.bytes)) candidates.push_back(file);
  }
  if (candidates.size() > most) {
    notes.push_back("train and val were not compared for identical files: " +
                    std::to_string(candidates.size()) + " candidates");
    return;
  }
  const std::vector<std::size_t> group = content_groups(candidates);
  std::int64_t copies = 0;
  const PictureFile* example = nullptr;
  for (std::size_t i = train_count; i < candidates.size(); ++i) {
    if (group[i] >= train_count) continue;
    ++copies;
    if (example == nullptr) example = &candidates[i];
  }
  if (copies == 0) return;
  notes.push_back(std::to_string(copies) + " val pictures are byte for byte in train too (first: " +
                  printable(name_of(val, example->path)) + "); validation figures will flatter");
}

namespace {

void group_by_path(std::vector<Sample>& samples, const std::string& expression) {
  constexpr std::size_t longest = 200;  // deeper nesting would take std::regex's stack
  if (expression.size() > longest)
    throw Error("--split-by: longer than " + std::to_string(longest) + " characters; write it shorter");
  for (const Sample& sample : samples)
    if (!sample.group.empty())
      throw Error("--split-by: the column group says already which cases belong together; leave one out");
  std::regex pattern;
  try {
    pattern = std::regex(expression);
  } catch (const std::regex_error& e) {
    throw Error("--split-by '" + printable(expression, 60) + "': not a regular expression: " + e.what());
  }
  std::size_t found = 0;
  for (Sample& sample : samples) {
    std::smatch match;
    if (!std::regex_search(sample.relative, match, pattern)) continue;
    sample.group = match.size() > 1 ? match[1].str() : match[0].str();
    if (!sample.group.empty()) ++found;
  }
  if (found < samples.size())
    throw Error("--split-by '" + printable(expression, 60) + "': finds nothing in " +
                std::to_string(samples.size() - found) + " of " + std::to_string(samples.size()) +
                " paths, which are like " + printable(samples.front().relative));
}

}  // namespace

void note_groups(DatasetSplits& splits, const std::string& split_by) {
  group_by_path(splits.train.samples, split_by);
  group_by_path(splits.val.samples, split_by);
  std::set<std::string> train, both;
  for (const Sample& sample : splits.train.samples) train.insert(sample.group);
  for (const Sample& sample : splits.val.samples)
    if (train.contains(sample.group)) both.insert(sample.group);
  splits.notes.push_back(
      "--split-by splits nothing: the data says what is for validation; " +
      (both.empty() ? "none of its groups is" : std::to_string(both.size()) + " of its groups are") +
      " on both sides" + (both.empty() ? "" : " (first: " + printable(*both.begin(), 60) + ")"));
}

void split_off_validation(DatasetSplits& splits, const ScanOptions& options) {
  if (!options.split_by.empty()) group_by_path(splits.train.samples, options.split_by);
  splits.split_off = true;
  const std::vector<bool> to_val = stratified_split(
      splits.train.samples, static_cast<int>(splits.train.classes.size()), options.val_split, options.seed);
  std::vector<Sample> kept;
  for (std::size_t i = 0; i < to_val.size(); ++i) {
    (to_val[i] ? splits.val.samples : kept).push_back(std::move(splits.train.samples[i]));
  }
  splits.train.samples = std::move(kept);
  splits.val.classes = splits.train.classes;
  splits.val.views = splits.train.views;
  splits.val.features = splits.train.features;
  if (splits.val.samples.empty()) {
    throw Error(
        "--val-split " + std::to_string(options.val_split) + " leaves no validation pictures: classes" +
        (options.split_by.empty() ? "" : ", or the groups of --split-by,") + " are too few or too small");
  }
}

}  // namespace thaw::dataset_detail
