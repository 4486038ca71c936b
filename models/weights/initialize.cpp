#include "models/weights/initialize.h"

namespace thaw {

void initialize(Module& module, std::uint64_t seed, InitialWeights rule) {
  const Initializer with(seed, rule);
  module.visit([&with](Module& m) { m.reset_parameters(with); });
}

void initialize(Network& network, std::uint64_t seed) {
  initialize(network, seed, network.initial_weights());
}

}  // namespace thaw
