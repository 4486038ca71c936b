// First values of parameters. Philox keyed by the seed and the parameter's full name: the same on every
// device and whatever else the network holds.
#pragma once

#include <cstdint>

#include "tensor/parameter.h"

namespace thaw {

// By what custom of its authors a network is filled; each module says what that means for it
// (Module::reset_parameters). Kaiming: He et al. 2015.
enum class InitialWeights {
  kaiming_fan_out,  // ResNet: convolutions by what leaves them; linear layers as torch.nn.Linear
  uniform_fan_in,   // torch.nn's own: weights and biases uniform in +-1 / sqrt(what enters)
  kaiming_fan_in,   // DenseNet: convolutions by what enters them; the bias of linear layers 0
};

// Values are written where they lie, in host or device memory; bf16 copies are not refreshed.
class Initializer {
 public:
  Initializer(std::uint64_t seed, InitialWeights rule) : seed_(seed), rule_(rule) {}

  InitialWeights rule() const { return rule_; }
  void fill(Parameter& p, float value) const;
  void normal(Parameter& p, double std) const;    // of mean 0
  void uniform(Parameter& p, float bound) const;  // in [-bound, bound)

 private:
  std::uint64_t seed_;
  InitialWeights rule_;
};

}  // namespace thaw
