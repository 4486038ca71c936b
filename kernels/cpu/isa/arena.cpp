#include "kernels/cpu/isa/parts.h"
#include "kernels/cpu/isa/vector.h"

namespace thaw::cpu::THAW_CPU_ISA {
namespace {

constexpr Index block = 4096;  // elements whose low-precision copies are made while they are in the cache

double sum_of_squares(const float* x, Index count) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

void round_to_bf16(const float* from, bf16* to, Index begin, Index end) {
  for_vectors(end - begin,
              [&](Index i, auto lane) { store(to + begin + i, load(from + begin + i, lane), lane); });
}

void sgd_block(const SgdRun& run, Index begin, Index end) {
  const float *gradient = run.gradient, clip = run.clip, decay = run.decay, momentum = run.momentum,
              rate = run.rate;
  float *weight = run.weight, *velocity = run.velocity;
  if (velocity == nullptr) {
#pragma omp simd
    for (Index i = begin; i < end; ++i) weight[i] -= rate * (clip * gradient[i] + decay * weight[i]);
  } else if (run.nesterov) {
#pragma omp simd
    for (Index i = begin; i < end; ++i) {
      const float g = clip * gradient[i] + decay * weight[i];
      const float v = momentum * velocity[i] + g;
      velocity[i] = v;
      weight[i] -= rate * (g + momentum * v);
    }
  } else {
#pragma omp simd
    for (Index i = begin; i < end; ++i) {
      const float v = momentum * velocity[i] + (clip * gradient[i] + decay * weight[i]);
      velocity[i] = v;
      weight[i] -= rate * v;
    }
  }
}

void adamw_block(const AdamWRun& run, Index begin, Index end) {
  const float *gradient = run.gradient, clip = run.clip, beta1 = run.beta1, beta2 = run.beta2, eps = run.eps;
  const float keep = run.keep, rate = run.rate, v_scale = run.v_scale;
  float *weight = run.weight, *moment = run.m, *square = run.v;
#pragma omp simd
  for (Index i = begin; i < end; ++i) {
    const float g = clip * gradient[i];
    const float m = beta1 * moment[i] + (1.0f - beta1) * g;
    const float v = beta2 * square[i] + (1.0f - beta2) * g * g;
    moment[i] = m;
    square[i] = v;
    weight[i] = weight[i] * keep - rate * m / (__builtin_sqrtf(v) * v_scale + eps);
  }
}

template <class Run, void (*update)(const Run&, Index, Index)>
void in_blocks(const Run& run, Index begin, Index end) {
  for (Index from = begin; from < end; from += block) {
    const Index to = from + block < end ? from + block : end;
    update(run, from, to);
    if (run.low_precision != nullptr) round_to_bf16(run.weight, run.low_precision, from, to);
  }
}

}  // namespace

void add_arena(ArenaLoops& loops) {
  loops.sum_of_squares = sum_of_squares;
  loops.sgd = in_blocks<SgdRun, sgd_block>;
  loops.adamw = in_blocks<AdamWRun, adamw_block>;
}

}  // namespace thaw::cpu::THAW_CPU_ISA
