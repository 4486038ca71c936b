// What a training step that gave no number is asked afterwards.
#pragma once

#include <string>

#include "io/data/loader.h"
#include "kernels/step_state.h"
#include "tools/network/session.h"
#include "tools/train/prefix_cache.h"

namespace thaw {

// Where training on `batch`, whose step changed no weights, first gives numbers that are not finite: "the weights of
// layer1.0.conv1", "the output of layer3.1", or "the gradient" where the pass up to the loss is sound. `prefix`: as the
// step's, or null. `state`: the step's, which says what dropout drops.
std::string where_it_began(Session& session, const Batch& batch, const PrefixCache* prefix,
                           const StepState& state);

}  // namespace thaw
