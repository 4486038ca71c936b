#include <cmath>
#include <vector>

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {
namespace {

constexpr Index norm_block = 1 << 14;
constexpr Index step_grain = 1 << 14;

}  // namespace

void CpuBackend::gradient_norm(const float* gradient, std::int64_t count, StepState* state) {
  // One sum per block, joined in order: the same bits for any number of threads.
  const Index blocks = (count + norm_block - 1) / norm_block;
  const Scratch scratch(cache_, static_cast<std::size_t>(blocks) * sizeof(double));
  double* sums = scratch.as<double>();
  if (blocks > 0) {
    parallel(blocks, 4, [&](Range range, Index) {
      for (Index i = range.begin; i < range.end; ++i) {
        sums[i] = tables_.arena.sum_of_squares(gradient + i * norm_block,
                                               std::min(norm_block, count - i * norm_block));
      }
    });
  }
  double total = 0.0;
  for (Index i = 0; i < blocks; ++i) total += sums[i];
  const auto norm = static_cast<float>(std::sqrt(total));
  state->grad_norm = norm;
  state->skip = std::isfinite(norm) ? 0 : 1;
  state->clip = state->max_norm > 0.0f ? std::min(1.0f, state->max_norm / (norm + 1e-6f)) : 1.0f;
}

void CpuBackend::sgd_step(const SgdSpec& spec, const ArenaSegment* segments, std::int64_t segment_count,
                          const StepState* state, const float* gradient, float* weight, float* velocity,
                          bf16* low_precision) {
  if (state->skip != 0) return;
  if (spec.momentum != 0.0f && velocity == nullptr) throw Error("sgd_step: momentum without velocity");
  for (Index i = 0; i < segment_count; ++i) {
    const ArenaSegment& segment = segments[i];
    const SgdRun run{gradient,
                     weight,
                     spec.momentum != 0.0f ? velocity : nullptr,
                     low_precision,
                     state->clip,
                     segment.weight_decay,
                     spec.momentum,
                     state->lr * segment.lr_scale,
                     spec.nesterov};
    parallel(segment.end - segment.begin, step_grain, [&](Range range, Index) {
      tables_.arena.sgd(run, segment.begin + range.begin, segment.begin + range.end);
    });
  }
}

void CpuBackend::adamw_step(const AdamWSpec& spec, const ArenaSegment* segments, std::int64_t segment_count,
                            const StepState* state, const float* gradient, float* weight, float* m, float* v,
                            bf16* low_precision) {
  if (state->skip != 0) return;
  for (Index i = 0; i < segment_count; ++i) {
    const ArenaSegment& segment = segments[i];
    const double t = static_cast<double>(state->step - segment.first_step) + 1.0;
    const double correction1 = 1.0 - std::pow(static_cast<double>(spec.beta1), t);
    const double correction2 = 1.0 - std::pow(static_cast<double>(spec.beta2), t);
    const double rate = static_cast<double>(state->lr) * static_cast<double>(segment.lr_scale);
    const AdamWRun run{gradient,
                       weight,
                       m,
                       v,
                       low_precision,
                       state->clip,
                       spec.beta1,
                       spec.beta2,
                       spec.eps,
                       static_cast<float>(1.0 - rate * static_cast<double>(segment.weight_decay)),
                       static_cast<float>(rate / correction1),
                       static_cast<float>(1.0 / std::sqrt(correction2))};
    parallel(segment.end - segment.begin, step_grain, [&](Range range, Index) {
      tables_.arena.adamw(run, segment.begin + range.begin, segment.begin + range.end);
    });
  }
}

}  // namespace thaw::cpu
