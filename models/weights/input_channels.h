// Weights for colour pictures in a network for grey ones.
#pragma once

#include "models/network.h"

namespace thaw {

// Where `weights` has the network's first convolution for three channels and the network takes one, its
// weights are summed over the channels, as timm does: a grey picture then gives what its repetition in three
// channels would. Returns what was done, for people; empty: nothing.
std::string adapt_input_channels(const Network& network, StateDict& weights);

}  // namespace thaw
