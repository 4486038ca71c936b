#include "kernels/cuda/columns.h"
#include "kernels/cuda/ops.h"
#include "kernels/philox.h"

namespace thaw::cuda {
namespace {

// A thread takes V neighbouring values of one pixel (V is 1 or a multiple of 4: whole blocks of the mask).
// `packed` views are seen as one long pixel. Reads before it writes: in place allowed.
template <int V, class T>
__global__ void __launch_bounds__(block_threads)
    dropout_kernel(std::int64_t items, std::int64_t groups, float p, std::uint32_t layer,
                   const StepState* state, Pixels<const T> x, Pixels<T> y) {
  const std::uint64_t seed = state->seed, base = std::uint64_t{layer} << 40;
  const auto step_number = static_cast<std::uint32_t>(state->step);
  const float scale = 1.0f / (1.0f - p);
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < items; i += step) {
    const std::int64_t pixel = groups == items ? 0 : divide(i, groups), channel = (i - pixel * groups) * V;
    auto values = load<V>(x.data + pixel * x.pitch + channel);
    PhiloxBits bits{};
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const auto element = static_cast<std::uint64_t>(i * V + k);
      if (k % 4 == 0) bits = philox(seed, Purpose::dropout, step_number, base + element / 4);
      std::uint32_t word = bits.v[k % 4];
      if constexpr (V == 1) {
        const auto which = element % 4;
        word = which == 0 ? bits.v[0] : which == 1 ? bits.v[1] : which == 2 ? bits.v[2] : bits.v[3];
      }
      assign(values.v[k], philox_uniform(word) >= p ? to_float(values.v[k]) * scale : 0.0f);
    }
    store<V>(y.data + pixel * y.pitch + channel, values);
  }
}

}  // namespace

template <>
void run(const Queue& queue, const DropoutForward& op, Workspace) {
  if (op.y.elements() == 0) return;
  with_type(op.name, op.y.type, [&](auto type) {
    using T = decltype(type);
    const auto run = [&](auto width) {
      constexpr int V = decltype(width)::value;
      const std::int64_t items = op.y.elements() / V;
      const std::int64_t groups = op.x.packed() && op.y.packed() ? items : op.y.c / V;
      launch(queue, op.name, dropout_kernel<V, T>, dim3(grid_for(queue, items)), items, groups, op.p,
             op.layer, op.state, input_pixels<T>(op.x), output_pixels<T>(op.y));
    };
    constexpr int widest = 16 / sizeof(T);
    if (aligned_for(op.x, widest) && aligned_for(op.y, widest))
      run(std::integral_constant<int, widest>{});
    else
      run(std::integral_constant<int, 1>{});
  });
}

}  // namespace thaw::cuda
