// What cuDNN answers about one graph on one described device.
#pragma once

#include <cstdint>

#include "kernels/cuda/cudnn_graph.h"

namespace thaw::deviceless {

struct Engines {
  std::size_t configurations = 0;  // that keep the limits
  bool precompiled = false;        // one of the first has a plan here; the others are compiled by a driver
  std::int64_t workspace = 0;      // bytes, of that plan, else of the first configuration
};

// Throws Error if cuDNN refuses the graph itself.
Engines ask(const cuda::Graph& graph, const cuda::Device& device, cuda::EngineLimits limits);

}  // namespace thaw::deviceless
