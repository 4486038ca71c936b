// Cases from a CSV file: columns path[,path2...],label[,split][,group]; all others are numeric features.
#pragma once

#include <string>

#include "io/data/dataset.h"

namespace thaw {

// Each row is a case: its pictures (views) in `path`, `path2`, ... relative to the CSV's folder, its class in
// `label`. With a column `split` (train, val or validation, test) rows go where it says; without one
// everything is training and options.val_split is split off, stratified. Rows of one `group` (empty: none)
// never stand on two sides, nor do identical pictures of a stratified split. Samples keep the order of the
// rows; features are as they are in the file (feature_scale.h standardises). options.features: the columns to
// take, in that order; others are noted and left. No picture is opened but to compare files of equal size.
// Throws Error with file and line where a row does not fit, a picture is not there or a feature is no number.
DatasetSplits scan_csv(const std::string& file, const ScanOptions& options = {});

}  // namespace thaw
