// Dropout (Srivastava et al. 2014; torch.nn.Dropout): keeps with probability 1 - p and scales by 1 / (1 - p).
#pragma once

#include "layers/module.h"

namespace thaw {

// The mask is Philox's, keyed by (state->seed, state->step, layer, element): nothing is saved, backward draws
// it again. dx accumulates. `state` lies in device memory and must not change between forward and backward.
Variable dropout(const Variable& x, float p, std::uint32_t layer, const StepState* state,
                 const std::string& module);

class Dropout : public Module {
 public:
  // `layer` keeps the masks of several dropouts of one network apart.
  explicit Dropout(float p, std::uint32_t layer = 0) : p_(p), layer_(layer) {}
  Variable forward(const Variable& x, Mode mode) override;
  bool is_random(Mode mode) const override { return mode.training; }

 private:
  float p_;
  std::uint32_t layer_;
};

}  // namespace thaw
