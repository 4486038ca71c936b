// The convolutions and BatchNorms of a network, as a shape-only pass over it records them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/ops/conv2d.h"
#include "models/network.h"

namespace thaw::bench {

// A convolution and how often the network has it.
struct ConvolutionLayer {
  Conv2dSpec spec;
  std::int64_t height = 0, width = 0;  // of its input
  bool pictures = false;               // its input is the network's, whose gradient nobody wants
  int count = 0;
};

struct NormLayer {
  std::int64_t height = 0, width = 0, channels = 0;
  int count = 0;
};

struct Layers {
  std::vector<ConvolutionLayer> convolutions;  // in the order of the network
  std::vector<NormLayer> norms;
};

// Of one training step of any registered network; `size`: side of the pictures. Throws Error where a picture
// of that size does not fit the network.
Layers layers_of(const std::string& model, const NetworkOptions& options, std::int64_t size);

}  // namespace thaw::bench
