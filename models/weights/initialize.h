// First values of weights. Philox keyed by the seed and the parameter's full name: the same on every device
// and whatever else the network holds.
#pragma once

#include <cstdint>

#include "layers/module.h"

namespace thaw {

// Fills all parameters and buffers of `module` and below, where they lie (host or device, planned or not):
// - convolutions: normal with std sqrt(2 / fan), fan = out * kh * kw / groups (Kaiming fan_out, He et al.
// 2015),
//   bias 0; where `module` is a network of InitialWeights::kaiming_fan_in, fan = in * kh * kw / groups; of
//   uniform_fan_in, weight and bias uniform in +-1 / sqrt(in * kh * kw / groups) (torch.nn.Conv2d's default);
// - linear layers: uniform in +-1 / sqrt(in), weight and bias (torch.nn.Linear's default); in a network of
//   kaiming_fan_in bias 0;
// - BatchNorm: weight 1, bias 0, running mean 0, running variance 1, num_batches_tracked 0.
// Throws Error for a module with parameters of another kind. bf16 copies are not refreshed: plan the arenas
// afterwards.
void initialize(Module& module, std::uint64_t seed);

}  // namespace thaw
