// A network over the batches of a loader, without training it: while the device is at one batch, the next one
// is read and uploaded.
#pragma once

#include <functional>

#include "io/data/loader.h"
#include "tensor/variable.h"

namespace thaw {

// What a network takes of a batch, on its device.
struct DeviceBatch {
  Variable x;
  Tensor numbers;  // f32 [N,F]; undefined without features
};

struct BatchRun {
  std::function<DeviceBatch(const Batch&)> upload;
  std::function<Variable(const DeviceBatch&)> forward;
  std::function<void(const Batch&, const Variable& output)> use;  // waits for the output, if it reads it
};

// Every batch of the loader's first epoch. `stop` (may be empty) is asked before each batch; when it says
// true, the answer is false. Throws Error as the loader does.
bool run_batches(Loader& loader, const BatchRun& run, const std::function<bool()>& stop);

}  // namespace thaw
