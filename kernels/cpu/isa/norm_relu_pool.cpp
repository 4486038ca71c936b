#include "kernels/cpu/isa/windows.h"

namespace thaw::cpu::THAW_CPU_ISA {
namespace {

template <class T>
void forward(const NormApply& a, const Pool2dSpec& pool, std::uint8_t* index, Index begin, Index end) {
  for (Index row = begin; row < end; ++row) {
    const Index n = row / a.y.h, oy = row % a.y.h;
    const Span ys = inputs_of(oy, pool, a.x.h);
    for (Index ox = 0; ox < a.y.w; ++ox) {
      const Span xs = inputs_of(ox, pool, a.x.w);
      const Index to = row * a.y.w + ox;
      for_wide_vectors(a.x.c, [&](Index c, auto width, auto lane) {
        constexpr int count = decltype(width)::value;
        Vec mean[count], scale[count], beta[count], best[count] = {};
        Ints winner[count] = {};
        for (int k = 0; k < count; ++k) {
          mean[k] = load(a.mean + c + k * lanes, lane);
          scale[k] = load(a.scale + c + k * lanes, lane);
          beta[k] = load(a.beta + c + k * lanes, lane);
        }
        window_maximum(pool, a.x, n, oy, ox, ys, xs, best, winner, [&](Index from, int k) {
          return multiply_add(load(pixel<T>(a.x, from) + c + k * lanes, lane) - mean[k], scale[k], beta[k]);
        });
        for (int k = 0; k < count; ++k) {
          const Ints cut = best[k] <= 0.0f;
          store(pixel<T>(a.y, to) + c + k * lanes, choose(cut, Vec{}, best[k]), lane);
          if (index != nullptr)
            store_index(index + to * a.y.c + c + k * lanes, cut ? Ints{} + no_winner : winner[k], lane);
        }
      });
    }
  }
}

// f32 sums over a row, joined in double.
template <class Lane>
THAW_INLINE void add_to(double* sums, Vec v, Lane lane) {
  for (int i = 0; i < lane.count; ++i) sums[i] += static_cast<double>(v[i]);
}

template <class T>
void reduce(const NormReduce& a, const Pool2dSpec& pool, const std::uint8_t* index, Index begin, Index end,
            double* sum_g, double* sum_gx) {
  for (Index c = 0; c < a.x.c; ++c) sum_g[c] = sum_gx[c] = 0.0;
  for (Index row = begin; row < end; ++row) {
    const Index n = row / a.x.h, iy = row % a.x.h;
    const Span ys = outputs_of(iy, pool, a.dy.h);
    for_wide_vectors(a.x.c, [&](Index c, auto width, auto lane) {
      constexpr int count = decltype(width)::value;
      Vec mean[count], g_sum[count] = {}, gx_sum[count] = {};
      for (int k = 0; k < count; ++k) mean[k] = load(a.mean + c + k * lanes, lane);
      for (Index ix = 0; ix < a.x.w; ++ix) {
        const Span xs = outputs_of(ix, pool, a.dy.w);
        Vec g[count] = {};
        sum_of_won<T>(pool, a.dy, index, n, iy, ix, ys, xs, c, lane, g);
        const T* x = pixel<T>(a.x, row * a.x.w + ix) + c;
        for (int k = 0; k < count; ++k) {
          g_sum[k] += g[k];
          gx_sum[k] += g[k] * (load(x + k * lanes, lane) - mean[k]);
        }
      }
      for (int k = 0; k < count; ++k) {
        add_to(sum_g + c + k * lanes, g_sum[k], lane);
        add_to(sum_gx + c + k * lanes, gx_sum[k], lane);
      }
    });
  }
}

template <class T, bool far, bool with_x>
void gradient(const NormGradient& a, const Pool2dSpec& pool, const std::uint8_t* index, Index begin,
              Index end) {
  for (Index row = begin; row < end; ++row) {
    const Index n = row / a.dx.h, iy = row % a.dx.h;
    const Span ys = outputs_of(iy, pool, a.dy.h);
    for (Index ix = 0; ix < a.dx.w; ++ix) {
      const Span xs = outputs_of(ix, pool, a.dy.w);
      const Index at = row * a.dx.w + ix;
      for_wide_vectors(a.dx.c, [&](Index c, auto width, auto lane) {
        constexpr int count = decltype(width)::value;
        Vec g[count] = {};
        sum_of_won<T>(pool, a.dy, index, n, iy, ix, ys, xs, c, lane, g);
        for (int k = 0; k < count; ++k) {
          const Index from = c + k * lanes;
          Vec v = load(a.from_g + from, lane) * g[k];
          if constexpr (with_x) {
            v += load(a.from_x + from, lane) *
                     (load(pixel<T>(a.x, at) + from, lane) - load(a.mean + from, lane)) +
                 load(a.constant + from, lane);
          }
          put<far>(pixel<T>(a.dx, at) + from, v, lane);
        }
      });
    }
  }
  if constexpr (far) stream_end();
}

template <class T>
void gradient_with(const NormGradient& a, const Pool2dSpec& pool, const std::uint8_t* index, Index begin,
                   Index end) {
  const bool far = is_far(a.dx.data, a.dx.type, a.dx.pixels(), a.dx.c, a.dx.pitch);
  const auto loop = a.x.data != nullptr ? (far ? gradient<T, true, true> : gradient<T, false, true>)
                                        : (far ? gradient<T, true, false> : gradient<T, false, false>);
  loop(a, pool, index, begin, end);
}

}  // namespace

template <class T>
void add_norm_relu_pool(Loops& loops) {
  loops.norm_pool_forward = forward<T>;
  loops.norm_pool_reduce = reduce<T>;
  loops.norm_pool_gradient = gradient_with<T>;
}

template void add_norm_relu_pool<float>(Loops&);
template void add_norm_relu_pool<bf16>(Loops&);

}  // namespace thaw::cpu::THAW_CPU_ISA
