// Optimizers over the flat arenas of trainable parameters. State lies in arenas of the same layout on the
// same device.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "optim/step_control.h"
#include "tensor/parameter.h"
#include "tensor/state_dict.h"

namespace thaw {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Lays out the state for `arenas`, which must outlive the optimizer or the next plan. State of parameters
  // that were there before is kept by name; that of new ones begins at 0. Call it once before the first step
  // and after each freezing or thawing.
  void plan(ParameterArenas& arenas);

  // One step on complete gradients: computes the gradient's norm (clip and skip of `control`'s device state),
  // then updates values and their bf16 copies. Nothing changes if the norm is not finite. Safe to record.
  void step(StepControl& control);

  // State by "PART.PARAMETER": "momentum.layer4.0.conv1.weight". Values lie as the parameters do; host
  // copies.
  StateDict state_dict() const;
  // Throws Error if a tensor is missing, unexpected or misshapen.
  void load_state_dict(const StateDict& state);

  // "sgd" or "adamw"
  virtual std::string name() const = 0;

 protected:
  // `parts`: names of the state's arenas. weight_decay applies to parameters that decay.
  Optimizer(std::vector<std::string> parts, float weight_decay);
  virtual void update(ParameterArenas& arenas, const std::vector<ArenaSegment>& segments,
                      const StepState* state, const std::vector<Tensor>& parts) = 0;

 private:
  std::vector<ArenaSegment> segments() const;

  std::vector<std::string> part_names_;
  float weight_decay_;
  ParameterArenas* arenas_ = nullptr;
  std::vector<Tensor> parts_;  // f32 [elements] each
};

struct OptimizerOptions {
  float momentum = 0.9f;                            // sgd
  bool nesterov = false;                            // sgd
  float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f;  // adamw
  float weight_decay = 0.0f;
};

// "sgd" or "adamw"; throws Error on another name.
std::unique_ptr<Optimizer> make_optimizer(const std::string& name, const OptimizerOptions& options);

}  // namespace thaw
