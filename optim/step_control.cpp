#include "optim/step_control.h"

namespace thaw {

StepControl::StepControl(Backend& backend)
    : backend_(&backend), memory_(Tensor::zeros(backend, {sizeof(StepState)}, DType::u8)) {}

void StepControl::begin(const StepState& state) {
  backend_->upload(device(), &state, sizeof(StepState));
}

StepState StepControl::read() const {
  StepState state;
  backend_->download(&state, device(), sizeof(StepState));
  return state;
}

}  // namespace thaw
