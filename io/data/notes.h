// What folders and CSV files of cases have in common: the split and the remarks on it.
#pragma once

#include <string>
#include <vector>

#include "io/data/dataset.h"

namespace thaw::dataset_detail {

// "a, b, c", at most eight and then "...".
std::string joined(const std::vector<std::string>& names);

void note_imbalance(const Dataset& train, std::vector<std::string>& notes);  // over 10
void note_case(const std::vector<std::string>& classes, std::vector<std::string>& notes);

// Counts validation pictures whose bytes are in training too. Only files whose size occurs on both sides are
// read.
void note_copies(const Dataset& train, const Dataset& val, std::vector<std::string>& notes);

// Notes a split_by that splits nothing because there is a validation folder, and how many of its groups are on both sides.
void note_groups(DatasetSplits& splits, const std::string& split_by);

// Moves options.val_split of splits.train to splits.val (stratified_split). Throws Error if nothing came
// there.
void split_off_validation(DatasetSplits& splits, const ScanOptions& options);

}  // namespace thaw::dataset_detail
