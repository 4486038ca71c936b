// The networks by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/network.h"

namespace thaw {

// "resnet18" ... "resnet152", "resnet20" ... "resnet110", "scratch_cnn", "densenet121" ... "densenet201",
// "densenet_bc_100_12", in that order. make_network also knows "densenet_bc_DEPTH_GROWTH" for other depths
// and growths.
std::vector<std::string> model_names();

// A network with its names set; all weights are 0 until initialize() or load_weights() fills them.
// Throws Error with the nearest names if there is no such model, and if an option is out of range: classes
// and views from 1, input channels 1 to 1024, features from 0, all below 2^31.
std::unique_ptr<Network> make_network(const std::string& name, const NetworkOptions& options = {});

// The number of classes that the published weights of this model have: 1000 or 10; 2 for scratch_cnn.
std::int64_t default_num_classes(const std::string& name);

// The channels of the pictures that a model is made for: 1 for scratch_cnn, else 3.
std::int64_t default_in_channels(const std::string& name);

}  // namespace thaw
