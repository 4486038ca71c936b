// First values of a network's weights.
#pragma once

#include <cstdint>

#include "models/network.h"

namespace thaw {

// Fills all parameters and buffers of `module` and below, where they lie (host or device, planned or not), as
// each module's reset_parameters says for `rule`. bf16 copies are not refreshed: plan the arenas afterwards.
// Throws Error for a module whose parameters have no rule.
void initialize(Module& module, std::uint64_t seed, InitialWeights rule = InitialWeights::kaiming_fan_out);

// By the network's own rule.
void initialize(Network& network, std::uint64_t seed);

}  // namespace thaw
