// The numbers that change between steps, in device memory.
#pragma once

#include "tensor/tensor.h"

namespace thaw {

class StepControl {
 public:
  explicit StepControl(Backend& backend);

  // Uploads step, seed, lr and max_norm for the step to come (before its forward pass: dropout reads it too).
  void begin(const StepState& state);
  const StepState* device() const { return memory_.as<const StepState>(); }
  StepState* device() { return memory_.as<StepState>(); }
  // Waits for the device and returns the state with grad_norm, clip and skip as the last step wrote them.
  StepState read() const;

 private:
  Backend* backend_;
  Tensor memory_;  // u8 [sizeof(StepState)]
};

}  // namespace thaw
