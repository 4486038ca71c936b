// The gradient's norm and one step of SGD or AdamW over a flat arena.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/ops/optimizer_step.h"
#include "kernels/reference/image.h"

namespace thaw::reference {

// Writes grad_norm, clip and skip of `state`; see GradientNorm.
template <class T>
void gradient_norm(const T* gradient, Index count, StepState& state) {
  double sum = 0.0;
  for (Index i = 0; i < count; ++i)
    sum += static_cast<double>(gradient[i]) * static_cast<double>(gradient[i]);
  const double norm = std::sqrt(sum);
  state.grad_norm = static_cast<float>(norm);
  state.skip = std::isfinite(state.grad_norm) ? 0 : 1;
  state.clip = state.max_norm > 0.0f
                   ? static_cast<float>(std::min(1.0, static_cast<double>(state.max_norm) / (norm + 1e-6)))
                   : 1.0f;
}

// torch.optim.SGD; velocity may be null when momentum is 0.
template <class T>
void sgd_step(const SgdSpec& s, const ArenaSegment* segments, Index segment_count, const StepState& state,
              const T* gradient, T* weight, T* velocity) {
  if (state.skip != 0) return;
  const double momentum = static_cast<double>(s.momentum);
  for (const ArenaSegment* segment = segments; segment != segments + segment_count; ++segment) {
    const double rate = static_cast<double>(state.lr) * static_cast<double>(segment->lr_scale);
    for (Index i = segment->begin; i < segment->end; ++i) {
      const auto w = static_cast<double>(weight[i]);
      const double g = static_cast<double>(state.clip) * static_cast<double>(gradient[i]) +
                       static_cast<double>(segment->weight_decay) * w;
      double v = g;
      if (velocity != nullptr && momentum != 0.0) {
        v = momentum * static_cast<double>(velocity[i]) + g;
        velocity[i] = static_cast<T>(v);
      }
      weight[i] = static_cast<T>(w - rate * (s.nesterov ? g + momentum * v : v));
    }
  }
}

// torch.optim.AdamW (Loshchilov & Hutter 2019): w -= lr * decay * w, then Adam's step with bias correction.
template <class T>
void adamw_step(const AdamWSpec& s, const ArenaSegment* segments, Index segment_count, const StepState& state,
                const T* gradient, T* weight, T* m, T* v) {
  if (state.skip != 0) return;
  const auto beta1 = static_cast<double>(s.beta1), beta2 = static_cast<double>(s.beta2);
  for (const ArenaSegment* segment = segments; segment != segments + segment_count; ++segment) {
    const double t = static_cast<double>(state.step - segment->first_step) + 1.0;
    const double correction1 = 1.0 - std::pow(beta1, t), correction2 = 1.0 - std::pow(beta2, t);
    const double rate = static_cast<double>(state.lr) * static_cast<double>(segment->lr_scale);
    for (Index i = segment->begin; i < segment->end; ++i) {
      const double g = static_cast<double>(state.clip) * static_cast<double>(gradient[i]);
      const double first = beta1 * static_cast<double>(m[i]) + (1.0 - beta1) * g;
      const double second = beta2 * static_cast<double>(v[i]) + (1.0 - beta2) * g * g;
      m[i] = static_cast<T>(first);
      v[i] = static_cast<T>(second);
      const double kept =
          static_cast<double>(weight[i]) * (1.0 - rate * static_cast<double>(segment->weight_decay));
      const double deviation = std::sqrt(second / correction2) + static_cast<double>(s.eps);
      weight[i] = static_cast<T>(kept - rate * (first / correction1) / deviation);
    }
  }
}

// The copy of what a step has changed.
inline void round_segments(const ArenaSegment* segments, Index count, const StepState& state,
                           const float* weight, bf16* low_precision) {
  if (low_precision == nullptr || state.skip != 0) return;
  for (Index s = 0; s < count; ++s) {
    for (Index i = segments[s].begin; i < segments[s].end; ++i) low_precision[i] = bf16(weight[i]);
  }
}

inline void run(const GradientNorm& op) {
  gradient_norm<float>(op.gradient, op.count, *op.state);
}

inline void run(const SgdStep& op) {
  sgd_step<float>(op.spec, op.segments, op.segment_count, *op.state, op.gradient, op.weight, op.velocity);
  round_segments(op.segments, op.segment_count, *op.state, op.weight, op.low_precision);
}

inline void run(const AdamWStep& op) {
  adamw_step<float>(op.spec, op.segments, op.segment_count, *op.state, op.gradient, op.weight, op.m, op.v);
  round_segments(op.segments, op.segment_count, *op.state, op.weight, op.low_precision);
}

}  // namespace thaw::reference
