// Optimizers over the flat arenas of trainable parameters. State lies in arenas of the same layout on the
// same device.
#pragma once

#include <memory>
#include <span>
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

  // Lays out the state for `arenas`, which must stay where they are until the next plan. State of parameters
  // that were there before is kept by name; that of new ones begins at 0. Call it before the first step and
  // after each freezing or thawing; `step` is StepState::step of the step to come. Throws Error if nothing is
  // trainable.
  void plan(ParameterArenas& arenas, std::uint64_t step = 0);

  // One step: gives zeros to parameters without a gradient, computes the norm (clip and skip of `control`'s
  // device state), then updates values and their bf16 copies. Nothing changes if the norm is not finite. Safe
  // to record; after a replay call values_changed() of the arenas.
  void step(StepControl& control);

  // State by "PART.PARAMETER": "momentum.layer4.0.conv1.weight"; values lie as the parameters do. An
  // optimizer that counts steps adds "first_step.PARAMETER", i64 []: StepState::step when that parameter's
  // training began. Host copies.
  StateDict state_dict() const;
  // Throws Error naming the first tensor that is missing, unexpected or misshapen.
  void load_state_dict(const StateDict& state);

  virtual std::string name() const = 0;  // of its OptimizerKind
  // Whether an update depends on the number of earlier ones.
  virtual bool counts_steps() const { return false; }

 protected:
  // `part_names`: names of the state's arenas. weight_decay applies to parameters that decay.
  Optimizer(std::vector<std::string> part_names, float weight_decay);
  // parts: one state arena per name, f32 [elements].
  virtual void update(ParameterArenas& arenas, const std::vector<ArenaSegment>& segments,
                      const StepState* state, const std::vector<Tensor>& parts) = 0;

 private:
  // Own copy of the arenas' layout: at the next plan the old arenas may be gone.
  struct Slot {
    std::string name;
    std::int64_t offset;
    Shape shape;
    std::uint64_t first_step;  // 0 where steps are not counted
  };

  ParameterArenas& arenas() const;
  std::vector<ArenaSegment> segments() const;

  std::vector<std::string> part_names_;
  float weight_decay_;
  ParameterArenas* arenas_ = nullptr;
  std::vector<Slot> slots_;
  std::vector<Tensor> parts_;
};

// The arena's runs of equal lr_scale, decay and first step, in order; parameters that do not decay get 0.
// `first_steps`: one per trainable parameter, or empty: all 0.
std::vector<ArenaSegment> arena_segments(const ParameterArenas& arenas, float weight_decay,
                                         const std::vector<std::uint64_t>& first_steps = {});

struct OptimizerOptions {
  float momentum = 0.9f;                            // sgd
  bool nesterov = false;                            // sgd
  float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f;  // adamw
  float weight_decay = 0.0f;
};

// One row for each optimizer there is.
struct OptimizerKind {
  const char* name;
  double lr;  // a usual learning rate at any batch size; 0: it goes in proportion to the batch
  std::unique_ptr<Optimizer> (*make)(const OptimizerOptions& options);
};
std::span<const OptimizerKind> optimizer_kinds();

// The row of that name. Throws Error with the names there are.
const OptimizerKind& optimizer_kind(const std::string& name);

// Throws Error on a name that is not there and on settings out of range.
std::unique_ptr<Optimizer> make_optimizer(const std::string& name, const OptimizerOptions& options);

}  // namespace thaw
