// AdamW as torch.optim.AdamW: decoupled decay (Loshchilov & Hutter 2019). Its t counts the steps of each
// parameter from the plan() that made it trainable.
#pragma once

#include "optim/optimizer.h"

namespace thaw {

class AdamW : public Optimizer {
 public:
  explicit AdamW(const AdamWSpec& spec, float weight_decay = 0.01f);
  std::string name() const override { return "adamw"; }
  bool counts_steps() const override { return true; }

 private:
  void update(ParameterArenas& arenas, const std::vector<ArenaSegment>& segments, const StepState* state,
              const std::vector<Tensor>& parts) override;
  AdamWSpec spec_;
};

}  // namespace thaw
