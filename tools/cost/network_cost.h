// What a training step of a network costs, stage by stage, under a freeze plan. Nothing is
// computed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layers/batch_norm.h"
#include "models/network.h"

namespace thaw {

struct StageCost {
  double forward_flops = 0.0;   // per case, 2 per multiply-add of convolutions and matrix products
  double backward_flops = 0.0;  // per case; data gradients only where something nearer the input wants one
  double saved_bytes = 0.0;     // per case: f32 activations that are kept for backward
};

// One entry per stage of registry model `name`, for pictures of size x size in training mode under the freeze
// plan `freeze` and the policy `bn`. Throws Error on a bad plan, and if the pictures are too small for the
// network.
std::vector<StageCost> stage_costs(const std::string& name, const NetworkOptions& options,
                                   const std::string& freeze, std::int64_t size,
                                   BatchNormPolicy bn = BatchNormPolicy::automatic);

// The whole network's: the stages added up.
StageCost sum_of(const std::vector<StageCost>& costs);

}  // namespace thaw
