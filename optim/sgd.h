// Stochastic gradient descent with momentum as torch.optim.SGD (dampening 0).
#pragma once

#include "optim/optimizer.h"

namespace thaw {

class Sgd : public Optimizer {
 public:
  explicit Sgd(const SgdSpec& spec, float weight_decay = 0.0f);
  std::string name() const override { return "sgd"; }

 private:
  void update(ParameterArenas& arenas, const std::vector<ArenaSegment>& segments, const StepState* state,
              const std::vector<Tensor>& parts) override;
  SgdSpec spec_;
};

}  // namespace thaw
