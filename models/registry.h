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

// What is known of a network before it is made.
struct NetworkFacts {
  std::int64_t num_classes;      // of its published weights: 1000 or 10; 2 for scratch_cnn
  std::int64_t in_channels = 3;  // of the pictures that it is made for
  bool one_size = false;         // its weights fit pictures of one size alone
  const char* story = "";        // the freeze plan of the founding story; empty: not told of it
  // Completes `options` by what weights of the network say, that make_network must know. Null: nothing.
  NetworkOptions (*complete)(NetworkOptions options, const StateDict& weights) = nullptr;
};

// Throws Error with the nearest names if there is no such model.
const NetworkFacts& network_facts(const std::string& name);

}  // namespace thaw
