// One step over a flat arena. Segments travel as kernel parameters, a table at a time, so that a recorded
// step holds them and host memory may change.
#include "kernels/cuda/columns.h"
#include "kernels/cuda/ops.h"

namespace thaw::cuda {
namespace {

constexpr int table_size = 96, piece = 4;
constexpr std::int64_t chunk = std::int64_t{block_threads} * piece;  // elements of a block at a time

struct TableSegment {
  std::int64_t begin = 0, end = 0, first_chunk = 0;
  float lr_scale = 1.0f, weight_decay = 0.0f;
};

struct SegmentTable {
  std::int64_t chunks = 0;
  int count = 0;
  std::uint64_t first_step = 0;  // of all its segments
  TableSegment segment[table_size];
};

struct Sgd {
  SgdSpec spec;
  float *weight, *velocity;  // velocity null: no momentum
  const float* gradient;
  __nv_bfloat16* low_precision;

  struct Step {
    float clip, rate, decay;
  };
  struct State {
    float clip, lr;
  };
  __device__ State prepare(const StepState& s, std::uint64_t) const { return {s.clip, s.lr}; }
  __device__ Step step_of(const State& s, const TableSegment& segment) const {
    return {s.clip, s.lr * segment.lr_scale, segment.weight_decay};
  }
  template <int V>
  __device__ void update(const Step& s, std::int64_t i) const {
    auto w = load<V>(weight + i);
    const auto in = load<V>(static_cast<const float*>(gradient + i));
    Vector<float, V> v{};
    if (velocity != nullptr) v = load<V>(velocity + i);
    Vector<__nv_bfloat16, V> low;
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const float g = s.clip * in.v[k] + s.decay * w.v[k];
      v.v[k] = spec.momentum * v.v[k] + g;
      w.v[k] -= s.rate * (spec.nesterov ? g + spec.momentum * v.v[k] : v.v[k]);
      assign(low.v[k], w.v[k]);
    }
    store<V>(weight + i, w);
    if (velocity != nullptr) store<V>(velocity + i, v);
    if (low_precision != nullptr) store<V>(low_precision + i, low);
  }
};

struct AdamW {
  AdamWSpec spec;
  float *weight, *m, *v;
  const float* gradient;
  __nv_bfloat16* low_precision;

  struct Step {
    float clip, kept, rate, deviation_scale;
  };
  struct State {
    double lr, correction1;
    float clip, deviation_scale;
  };
  __device__ State prepare(const StepState& s, std::uint64_t first_step) const {
    const double t = static_cast<double>(s.step - first_step) + 1.0;
    const double correction1 = 1.0 - pow(static_cast<double>(spec.beta1), t);
    const double correction2 = 1.0 - pow(static_cast<double>(spec.beta2), t);
    return {static_cast<double>(s.lr), correction1, s.clip, static_cast<float>(1.0 / sqrt(correction2))};
  }
  __device__ Step step_of(const State& s, const TableSegment& segment) const {
    const double rate = s.lr * static_cast<double>(segment.lr_scale);
    return {s.clip, static_cast<float>(1.0 - rate * static_cast<double>(segment.weight_decay)),
            static_cast<float>(rate / s.correction1), s.deviation_scale};
  }
  template <int V>
  __device__ void update(const Step& s, std::int64_t i) const {
    auto w = load<V>(weight + i), first = load<V>(m + i), second = load<V>(v + i);
    const auto in = load<V>(static_cast<const float*>(gradient + i));
    Vector<__nv_bfloat16, V> low;
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const float g = s.clip * in.v[k];
      first.v[k] = spec.beta1 * first.v[k] + (1.0f - spec.beta1) * g;
      second.v[k] = spec.beta2 * second.v[k] + (1.0f - spec.beta2) * g * g;
      const float deviation = sqrtf(second.v[k]) * s.deviation_scale + spec.eps;
      w.v[k] = w.v[k] * s.kept - s.rate * first.v[k] / deviation;
      assign(low.v[k], w.v[k]);
    }
    store<V>(weight + i, w);
    store<V>(m + i, first);
    store<V>(v + i, second);
    if (low_precision != nullptr) store<V>(low_precision + i, low);
  }
};

// A block walks over the table's chunks. What depends on the step alone is computed once per block: all
// segments of a table have the same first_step. `aligned`: every arena begins at a multiple of 16 bytes (the
// bf16 copy of 8).
template <class F>
__global__ void __launch_bounds__(block_threads)
    step_kernel(F f, SegmentTable table, const StepState* state, bool aligned) {
  THAW_SHARED(typename F::State, shared, [1]);
  if (state->skip != 0) return;
  if (threadIdx.x == 0) shared[0] = f.prepare(*state, table.first_step);
  __syncthreads();
  int at = 0;
  for (std::int64_t c = blockIdx.x; c < table.chunks; c += gridDim.x) {
    while (at + 1 < table.count && table.segment[at + 1].first_chunk <= c) ++at;
    const TableSegment& segment = table.segment[at];
    const auto step = f.step_of(shared[0], segment);
    const std::int64_t begin = segment.begin + (c - segment.first_chunk) * chunk;
    if (aligned && segment.begin % piece == 0 && begin + chunk <= segment.end) {
      f.template update<piece>(step, begin + std::int64_t{threadIdx.x} * piece);
      continue;
    }
    const std::int64_t end = begin + chunk < segment.end ? begin + chunk : segment.end;
    for (std::int64_t i = begin + threadIdx.x; i < end; i += block_threads) f.template update<1>(step, i);
  }
}

bool aligned_to(const void* pointer, std::uintptr_t bytes) {
  return reinterpret_cast<std::uintptr_t>(pointer) % bytes == 0;
}

template <class F>
void step(const Queue& queue, const char* op, const F& f, const ArenaSegment* segments,
          std::int64_t segment_count, const StepState* state, bool aligned) {
  SegmentTable table;
  const auto flush = [&] {
    if (table.chunks > 0)
      launch(queue, op, step_kernel<F>, dim3(grid_for(queue, table.chunks * block_threads)), f, table, state,
             aligned);
    table = SegmentTable{};
  };
  for (std::int64_t i = 0; i < segment_count; ++i) {
    const ArenaSegment& s = segments[i];
    if (s.end <= s.begin) continue;
    if (s.first_step != table.first_step) flush();
    table.first_step = s.first_step;
    table.segment[table.count++] = {s.begin, s.end, table.chunks, s.lr_scale, s.weight_decay};
    table.chunks += (s.end - s.begin + chunk - 1) / chunk;
    if (table.count == table_size) flush();
  }
  flush();
}

}  // namespace

template <>
void run(const Queue& queue, const SgdStep& op, Workspace) {
  const Sgd f{op.spec, op.weight, op.spec.momentum != 0.0f ? op.velocity : nullptr, op.gradient,
              reinterpret_cast<__nv_bfloat16*>(op.low_precision)};
  const bool aligned = aligned_to(op.gradient, 16) && aligned_to(op.weight, 16) &&
                       aligned_to(op.velocity, 16) && aligned_to(op.low_precision, 8);
  step(queue, op.name, f, op.segments, op.segment_count, op.state, aligned);
}

template <>
void run(const Queue& queue, const AdamWStep& op, Workspace) {
  const AdamW f{op.spec, op.weight,   op.m,
                op.v,    op.gradient, reinterpret_cast<__nv_bfloat16*>(op.low_precision)};
  const bool aligned = aligned_to(op.gradient, 16) && aligned_to(op.weight, 16) && aligned_to(op.m, 16) &&
                       aligned_to(op.v, 16) && aligned_to(op.low_precision, 8);
  step(queue, op.name, f, op.segments, op.segment_count, op.state, aligned);
}

}  // namespace thaw::cuda
