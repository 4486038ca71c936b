// The gradient's norm, and one step over a flat arena of parameters.
#pragma once

#include "kernels/ops/op.h"
#include "kernels/step_state.h"

namespace thaw {

// A run of elements of a parameter arena that share their settings.
struct ArenaSegment {
  std::int64_t begin = 0, end = 0;
  float lr_scale = 1.0f;
  float weight_decay = 0.0f;
  std::uint64_t first_step = 0;  // steps done before these elements were trained at all
};

struct SgdSpec {
  float momentum = 0.9f;
  bool nesterov = false;
};

struct AdamWSpec {
  float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f;
};

namespace checks {

// Returns the elements in all segments; throws Error where one ends before it begins.
std::int64_t elements(const char* op, const ArenaSegment* segments, std::int64_t count);

}  // namespace checks

// state->grad_norm = sqrt(sum g^2), summed in double and in a fixed order; then state->clip = min(1, max_norm
// / (grad_norm + 1e-6)) if max_norm > 0, else 1 (torch.nn.utils.clip_grad_norm_); state->skip = 1 if the norm
// is not finite, else 0.
struct GradientNorm {
  static constexpr const char* name = "gradient_norm";
  const float* gradient;  // [count]
  std::int64_t count;
  StepState* state;  // in device memory

  void check() const { checks::not_negative(name, "count", count); }
  Cost cost() const { return {.read = 4 * count, .written = static_cast<std::int64_t>(sizeof(StepState))}; }
};

// torch.optim.SGD, lr outside the momentum: g = clip * gradient + decay * w; v = momentum * v + g (first
// step: v = g, the same since v begins at 0); w -= lr * lr_scale * (nesterov ? g + momentum * v : v).
// Elements in no segment (padding) are left alone. Nothing changes where state->skip is set.
struct SgdStep {
  static constexpr const char* name = "sgd_step";
  SgdSpec spec;
  const ArenaSegment* segments;  // [segment_count], in host memory; they do not overlap
  std::int64_t segment_count;
  const StepState* state;         // in device memory
  const float* gradient;          // the arena's
  float* weight;                  // the arena's
  float* velocity = nullptr;      // the arena's; may be null where momentum is 0
  bf16* low_precision = nullptr;  // the arena's copy of w, ASSIGNED; null: none

  void check() const {
    checks::elements(name, segments, segment_count);
    if (spec.momentum != 0.0f && velocity == nullptr)
      checks::refuse(name,
                     "momentum " + std::to_string(spec.momentum) + " without velocity; give an arena of it");
  }
  Cost cost() const {
    const std::int64_t count = checks::elements(name, segments, segment_count),
                       moving = spec.momentum != 0.0f;
    return {.read = count * (8 + 4 * moving), .written = count * (4 + 4 * moving + (low_precision ? 2 : 0))};
  }
};

// torch.optim.AdamW (Loshchilov & Hutter 2019), t = state->step + 1 - the segment's first_step, with bias
// correction; the decay is decoupled. Otherwise as SgdStep.
struct AdamWStep {
  static constexpr const char* name = "adamw_step";
  AdamWSpec spec;
  const ArenaSegment* segments;  // [segment_count], in host memory; they do not overlap
  std::int64_t segment_count;
  const StepState* state;         // in device memory
  const float* gradient;          // the arena's
  float* weight;                  // the arena's
  float* m;                       // the arena's
  float* v;                       // the arena's
  bf16* low_precision = nullptr;  // the arena's copy of w, ASSIGNED; null: none

  void check() const { checks::elements(name, segments, segment_count); }
  Cost cost() const {
    const std::int64_t count = checks::elements(name, segments, segment_count);
    return {.read = 16 * count, .written = count * (12 + (low_precision ? 2 : 0))};
  }
};

}  // namespace thaw
