// The networks by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/network.h"

namespace thaw {

// The registered ones: ResNets, those for small pictures, scratch_cnn, DenseNets. Beside them, make_network and the
// others know "densenet_bc_DEPTH_GROWTH", and descriptions (models/description.h) of the families "resnet" and
// "densenet".
std::vector<std::string> model_names();

// Whether both name one network: "resnet18" and "resnet:blocks=2-2-2-2" do. Throws as make_network.
bool same_model(const std::string& a, const std::string& b);

// A network with its names set; all weights are 0 until initialize() or load_weights() fills them.
// Throws Error with the nearest names if there is no such model, and if an option or a number of the description is out
// of range, before anything is made: classes and views from 1, input channels 1 to 1024, features from 0, all below
// 2^31.
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
