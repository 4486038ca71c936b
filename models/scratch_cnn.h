// A small network of the kind one builds by hand, to be trained from nothing: what a pretrained one is
// measured against.
//
// Names are those of two torch.nn.Sequential:
//   features: four times Conv2d(3x3, no padding, bias), ReLU, MaxPool2d(2), BatchNorm2d, with 8, 16, 32, 64
//   channels ("features.0" ... "features.15"), then Flatten;
//   classifier: Linear(views * 64 * s * s + features, 128), BatchNorm1d, ReLU, Dropout(0.3), Linear
//   ("classifier.0" ... "classifier.4"); s is the side of the last maps: 30 for pictures of 512.
// All views of a case go through the same `features`; their rows and the case's numbers are joined in front
// of the classifier. Two classes have one logit, for binary cross-entropy. Stages are the children, by their
// paths.
#pragma once

#include "models/network.h"

namespace thaw {

class ScratchCnn : public Network {
 public:
  static constexpr std::int64_t default_size = 512;

  // Throws Error if options.input_size is below 46: nothing would be left of the pictures.
  explicit ScratchCnn(const NetworkOptions& options);

  InitialWeights initial_weights() const override { return InitialWeights::uniform_fan_in; }

  // Completes `options` by the views and features that the input of "classifier.0" in `weights` speaks of,
  // for pictures of options.input_size: its width is views * 64 * s * s + features. Throws Error if the size
  // is below 46.
  static NetworkOptions complete(NetworkOptions options, const StateDict& weights);

 private:
  Sequential features_, classifier_;
};

}  // namespace thaw
