// AdamW as torch.optim.AdamW: decoupled decay (Loshchilov & Hutter 2019). Its t is StepState::step + 1 for
// all parameters: begin the step count anew with a fresh optimizer when parameters are thawed.
#pragma once

#include "optim/optimizer.h"

namespace thaw {

class AdamW : public Optimizer {
 public:
  explicit AdamW(const AdamWSpec& spec, float weight_decay = 0.01f);
  std::string name() const override { return "adamw"; }

 private:
  void update(ParameterArenas& arenas, const std::vector<ArenaSegment>& segments, const StepState* state,
              const std::vector<Tensor>& parts) override;
  AdamWSpec spec_;
};

}  // namespace thaw
