#include <cmath>
#include <vector>

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {
namespace {

constexpr Index norm_block = 1 << 14;
constexpr Index step_grain = 1 << 14;

}  // namespace

template <>
void CpuBackend::compute(const GradientNorm& op) {
  // One sum per block, joined in order: the same bits for any number of threads.
  const Index blocks = (op.count + norm_block - 1) / norm_block;
  const Scratch scratch(cache_, static_cast<std::size_t>(blocks) * sizeof(double));
  double* sums = scratch.as<double>();
  if (blocks > 0) {
    parallel(blocks, 4, [&](Range range, Index) {
      for (Index i = range.begin; i < range.end; ++i) {
        sums[i] = tables_.arena.sum_of_squares(op.gradient + i * norm_block,
                                               std::min(norm_block, op.count - i * norm_block));
      }
    });
  }
  double total = 0.0;
  for (Index i = 0; i < blocks; ++i) total += sums[i];
  const auto norm = static_cast<float>(std::sqrt(total));
  op.state->grad_norm = norm;
  op.state->skip = std::isfinite(norm) ? 0 : 1;
  op.state->clip = op.state->max_norm > 0.0f ? std::min(1.0f, op.state->max_norm / (norm + 1e-6f)) : 1.0f;
}

template <>
void CpuBackend::compute(const SgdStep& op) {
  if (op.state->skip != 0) return;
  for (Index i = 0; i < op.segment_count; ++i) {
    const ArenaSegment& segment = op.segments[i];
    const SgdRun run{.gradient = op.gradient,
                     .weight = op.weight,
                     .velocity = op.spec.momentum != 0.0f ? op.velocity : nullptr,
                     .low_precision = op.low_precision,
                     .clip = op.state->clip,
                     .decay = segment.weight_decay,
                     .momentum = op.spec.momentum,
                     .rate = op.state->lr * segment.lr_scale,
                     .nesterov = op.spec.nesterov};
    parallel(segment.end - segment.begin, step_grain, [&](Range range, Index) {
      tables_.arena.sgd(run, segment.begin + range.begin, segment.begin + range.end);
    });
  }
}

template <>
void CpuBackend::compute(const AdamWStep& op) {
  if (op.state->skip != 0) return;
  for (Index i = 0; i < op.segment_count; ++i) {
    const ArenaSegment& segment = op.segments[i];
    const double t = static_cast<double>(op.state->step - segment.first_step) + 1.0;
    const double correction1 = 1.0 - std::pow(static_cast<double>(op.spec.beta1), t);
    const double correction2 = 1.0 - std::pow(static_cast<double>(op.spec.beta2), t);
    const double rate = static_cast<double>(op.state->lr) * static_cast<double>(segment.lr_scale);
    const AdamWRun run{.gradient = op.gradient,
                       .weight = op.weight,
                       .m = op.m,
                       .v = op.v,
                       .low_precision = op.low_precision,
                       .clip = op.state->clip,
                       .beta1 = op.spec.beta1,
                       .beta2 = op.spec.beta2,
                       .eps = op.spec.eps,
                       .keep = static_cast<float>(1.0 - rate * static_cast<double>(segment.weight_decay)),
                       .rate = static_cast<float>(rate / correction1),
                       .v_scale = static_cast<float>(1.0 / std::sqrt(correction2))};
    parallel(segment.end - segment.begin, step_grain, [&](Range range, Index) {
      tables_.arena.adamw(run, segment.begin + range.begin, segment.begin + range.end);
    });
  }
}

}  // namespace thaw::cpu
