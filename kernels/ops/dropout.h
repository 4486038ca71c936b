// Dropout with a mask that is a function of (seed, step, layer, element).
#pragma once

#include "kernels/ops/op.h"
#include "kernels/step_state.h"

namespace thaw {

// y = x / (1 - p) where kept, else 0. ASSIGNS; in place allowed. Element i (packed NHWC index) is kept when
// word i % 4 of philox(state->seed, Purpose::dropout, state->step, (layer << 40) + i / 4), as philox_uniform,
// is >= p. The gradient is the same op on dy.
struct DropoutForward {
  static constexpr const char* name = "dropout_forward";
  ConstView x;  // [N,H,W,C]
  float p;      // 0 <= p < 1
  std::uint32_t layer;
  const StepState* state;  // in device memory
  View y;                  // shape of x

  void check() const {
    checks::same_shape(name, {"x", x}, {"y", y});
    checks::activations(name, {{"x", x}, {"y", y}});
    if (!(p >= 0.0f && p < 1.0f))
      checks::refuse(name, checks::text({"x", x}) + " with p " + std::to_string(p) + "; use 0 <= p < 1");
  }
  Cost cost() const { return {.read = x.bytes(), .written = y.bytes()}; }
};

}  // namespace thaw
