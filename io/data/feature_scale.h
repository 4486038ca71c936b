// Features are standardised by the training cases: (x - mean) / std.
#pragma once

#include <string>
#include <vector>

#include "io/data/dataset.h"

namespace thaw {

struct FeatureScale {
  std::string name;
  double mean = 0;
  double std = 1;  // of the population (divided by N); 1 for a feature that is the same everywhere
};

// Of the features of `train`. Throws Error naming a column whose mean or deviation is beyond a double.
std::vector<FeatureScale> feature_scales(const Dataset& train);

// Throws Error unless the dataset's features have the scales' names, in their order.
void standardise(Dataset& dataset, const std::vector<FeatureScale>& scales);

}  // namespace thaw
