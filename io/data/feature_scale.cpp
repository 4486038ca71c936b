#include "io/data/feature_scale.h"

#include <cmath>

#include "kernels/error.h"

namespace thaw {

std::vector<FeatureScale> feature_scales(const Dataset& train) {
  std::vector<FeatureScale> scales;
  const auto count = static_cast<double>(train.samples.size());
  for (std::size_t f = 0; f < train.features.size(); ++f) {
    FeatureScale scale{train.features[f], 0, 0};
    for (const Sample& sample : train.samples) scale.mean += sample.features[f] / count;
    for (const Sample& sample : train.samples)
      scale.std += (sample.features[f] - scale.mean) * (sample.features[f] - scale.mean) / count;
    scale.std = std::sqrt(scale.std);
    if (!std::isfinite(scale.mean) || !std::isfinite(scale.std))
      throw Error(
          "the data's column '" + scale.name +
          "' spreads beyond what a double holds, so it cannot be standardised; correct or scale its values");
    // What rounding leaves of a constant is no spread.
    if (!(scale.std > 1e-12 * std::abs(scale.mean))) scale.std = 1;
    scales.push_back(std::move(scale));
  }
  return scales;
}

void standardise(Dataset& dataset, const std::vector<FeatureScale>& scales) {
  bool same = dataset.features.size() == scales.size();
  for (std::size_t f = 0; same && f < scales.size(); ++f) same = dataset.features[f] == scales[f].name;
  if (!same)
    throw Error("the data has " + std::to_string(dataset.features.size()) +
                " features, the model was made for " + std::to_string(scales.size()) + " or for others");
  for (Sample& sample : dataset.samples)
    for (std::size_t f = 0; f < scales.size(); ++f)
      sample.features[f] = (sample.features[f] - scales[f].mean) / scales[f].std;
}

}  // namespace thaw
