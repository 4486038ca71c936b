// First values of weights. Philox keyed by the seed and the parameter's name: the same on every device and
// whatever else the network holds.
#pragma once

#include <cstdint>

#include "layers/module.h"

namespace thaw {

// Fills all parameters and buffers of `module` and below; call it before the arenas are planned or after,
// then plan or let the optimizer know nothing: values are copied to where they lie.
// - convolutions: normal with std sqrt(2 / (out * kh * kw / groups)), Kaiming fan_out (He et al. 2015), bias
// 0;
// - linear layers: uniform in +-1 / sqrt(in), weight and bias (torch.nn.Linear's default);
// - BatchNorm: weight 1, bias 0, running mean 0, running variance 1, num_batches_tracked 0.
void initialize(Module& module, std::uint64_t seed);

}  // namespace thaw
