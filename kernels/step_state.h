// Whatever changes between steps. It lies in device memory, so that a recorded step (CUDA graph) can be
// replayed.
#pragma once

#include <cstdint>

namespace thaw {

struct StepState {
  std::uint64_t step = 0;  // optimizer steps done before this one; AdamW's t is step + 1 - first_step
  std::uint64_t seed = 0;  // Philox key of dropout
  float lr = 0.0f;         // before lr_scale
  float max_norm = 0.0f;   // gradient clipping by total norm; 0: no clipping
  float grad_norm = 0.0f;  // written by GradientNorm
  float clip = 1.0f;       // written by GradientNorm: what gradients are multiplied by
  std::uint32_t skip =
      0;  // written by GradientNorm: 1 if the norm is not finite, then the step changes nothing
  std::uint32_t unused = 0;
};

}  // namespace thaw
