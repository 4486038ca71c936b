// --lr find.
#pragma once

#include <functional>

#include "optim/range_test.h"
#include "tools/train/setup.h"

namespace thaw {

// Tries the rates of a range test on copies: afterwards the setup's network holds the weights and buffers that it came with,
// and its optimizer knows of no step; plan it anew. The test trains what --freeze says, on the training pictures as the run
// will see them. Where no rate makes the loss fall, the default is chosen, and a line says so. `stop` is asked after each step; once it says true the result has no chosen rate.
RangeTest find_learning_rate(TrainingSetup& setup, const std::function<bool()>& stop);

}  // namespace thaw
