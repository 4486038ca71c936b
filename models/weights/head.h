// The head: a network's last linear layer.
#pragma once

#include <cstdint>

#include "models/network.h"

namespace thaw {

// Gives the network a new, initialised head for `num_classes` classes, in host memory: plan the arenas anew
// afterwards. Throws Error if num_classes < 1.
void replace_head(Network& network, std::int64_t num_classes, std::uint64_t seed);

}  // namespace thaw
