// The one opener of a file of weights: which network it is for, checked against its tensors.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/weights/weights.h"
#include "models/network.h"
#include "tools/network/model_description.h"
#include "tools/network/model_options.h"

namespace thaw {

struct NetworkFile {
  StateDict tensors;             // those of the network, under the file's names
  ModelDescription description;  // without preprocessing where the file does not tell (`described`)
  bool described = false;        // Thaw wrote the file
  std::vector<std::string> notes;
  std::unique_ptr<Network> network;  // as the description says; all weights are 0, and take no memory yet
};

// What `file` says of itself, or its tensors of options.model: classes by its head; scratch_cnn's views and
// features by the width of its classifier (they are named feature1, feature2, ... and taken as they are).
// Nothing is believed that the tensors do not show: all of them must have the names and shapes of that
// network. Colour weights for options.in_channels = 1 are summed (models/weights/input_channels.h), with a
// note. Tensors that options.ignore names are left out first, with a note. `source` names the file in messages. Throws UsageError where options.model is missing or another one,
// Error where the tensors do not fit.
NetworkFile open_network(LoadedWeights file, const ModelOptions& options, const std::string& source);

}  // namespace thaw
