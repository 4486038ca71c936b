#include "kernels/cpu/isa/parts.h"
#include "kernels/cpu/isa/vector.h"

namespace thaw::cpu::THAW_CPU_ISA {
namespace {

// Pixels whose f32 values fit the first-level cache, so that a second pass over them costs little.
Index block_pixels(Index channels) {
  const Index pixels = 8192 / channels;
  return pixels < 16 ? 16 : pixels;
}

// Asks for the line at `at` to be brought near; any address is allowed.
template <class T>
THAW_INLINE void fetch(const T* at) {
  __builtin_prefetch(at, 0, 2);
}

// `to[lane] += v[lane]`, in double.
template <class Lane>
THAW_INLINE void accumulate(double* to, Vec v, Lane lane) {
  float value[lanes];
  __builtin_memcpy(value, &v, sizeof(value));
  for (int i = 0; i < lane.count; ++i) to[i] += static_cast<double>(value[i]);
}

// Mean and squared deviations of one block by two passes, joined to those of the blocks before it (Chan et
// al. 1979).
// `ahead`: elements to the same place in the next block, which is fetched meanwhile: the walk over 256-byte
// pieces of rows is nothing that the processor foresees.
template <class T, int width, class Lane>
THAW_INLINE void join_block(const ConstView& x, Index begin, Index end, Index before, Index ahead, Index c,
                            double* mean, double* m2, Lane lane) {
  const float n = static_cast<float>(end - begin);
  Vec sum[width] = {}, square[width] = {}, rest[width] = {};
  for (Index p = begin; p < end; ++p) {
    const T* row = pixel<T>(x, p) + c;
    for (int k = 0; k < width; ++k) {
      fetch(row + ahead + k * lanes);
      sum[k] += load(row + k * lanes, lane);
    }
  }
  for (int k = 0; k < width; ++k) sum[k] /= n;
  for (Index p = begin; p < end; ++p) {
    const T* row = pixel<T>(x, p) + c;
    for (int k = 0; k < width; ++k) {
      const Vec d = load(row + k * lanes, lane) - sum[k];
      rest[k] += d;
      square[k] += d * d;
    }
  }
  const double share = static_cast<double>(n) / static_cast<double>(before + end - begin);
  for (int k = 0; k < width; ++k) {
    float block_mean[lanes], block_m2[lanes], block_rest[lanes];
    __builtin_memcpy(block_mean, &sum[k], sizeof(Vec));
    __builtin_memcpy(block_m2, &square[k], sizeof(Vec));
    __builtin_memcpy(block_rest, &rest[k], sizeof(Vec));
    for (int i = 0; i < lane.count; ++i) {
      const Index j = c + k * lanes + i;
      // What rounding left of the block's mean: the deviations' own mean.
      const double fix = static_cast<double>(block_rest[i]) / static_cast<double>(n);
      const double delta = static_cast<double>(block_mean[i]) + fix - mean[j];
      m2[j] += static_cast<double>(block_m2[i]) - fix * fix * static_cast<double>(n) +
               delta * delta * share * static_cast<double>(before);
      mean[j] += delta * share;
    }
  }
}

template <class T>
void moments(const ConstView& x, Index begin, Index end, double* mean, double* m2) {
  for (Index c = 0; c < x.c; ++c) mean[c] = m2[c] = 0.0;
  const Index block = block_pixels(x.c);
  for (Index from = begin; from < end; from += block) {
    const Index to = from + block < end ? from + block : end;
    for_wide_vectors(x.c, [&](Index c, auto width, auto lane) {
      join_block<T, decltype(width)::value>(x, from, to, from - begin, to < end ? block * x.pitch : 0, c,
                                            mean, m2, lane);
    });
  }
}

template <class T, bool far, bool residual, bool relu, bool mask>
void apply(const NormApply& a, Index begin, Index end) {
  const Index mask_row = (a.x.c + 7) / 8;
  for (Index p = begin; p < end; ++p) {
    const T* x = pixel<T>(a.x, p);
    const T* r = residual ? pixel<T>(a.residual, p) : nullptr;
    T* y = pixel<T>(a.y, p);
    std::uint8_t* bits = mask ? a.mask + p * mask_row : nullptr;
    for_vectors(a.x.c, [&](Index c, auto lane) {
      Vec v = (load(x + c, lane) - load(a.mean + c, lane)) * load(a.scale + c, lane) + load(a.beta + c, lane);
      if constexpr (residual) v += load(r + c, lane);
      if constexpr (mask) store_bits(bits + c / 8, to_bits(v > 0.0f), lane);
      if constexpr (relu) v = choose(v <= 0.0f, Vec{}, v);
      put<far>(y + c, v, lane);
    });
  }
  if constexpr (far) stream_end();
}

template <class T, bool far>
void apply_with(const NormApply& a, Index begin, Index end) {
  const int which = (a.residual.data != nullptr ? 4 : 0) + (a.relu ? 2 : 0) + (a.mask != nullptr ? 1 : 0);
  switch (which) {
    case 0:
      return apply<T, far, false, false, false>(a, begin, end);
    case 1:
      return apply<T, far, false, false, true>(a, begin, end);
    case 2:
      return apply<T, far, false, true, false>(a, begin, end);
    case 3:
      return apply<T, far, false, true, true>(a, begin, end);
    case 4:
      return apply<T, far, true, false, false>(a, begin, end);
    case 5:
      return apply<T, far, true, false, true>(a, begin, end);
    case 6:
      return apply<T, far, true, true, false>(a, begin, end);
    default:
      return apply<T, far, true, true, true>(a, begin, end);
  }
}

template <class T>
void norm_apply(const NormApply& a, Index begin, Index end) {
  const bool in_place = a.y.data == a.x.data || a.y.data == a.residual.data;
  if (!in_place && is_far(a.y.data, a.y.type, a.y.n * a.y.h * a.y.w, a.y.c, a.y.pitch)) {
    apply_with<T, true>(a, begin, end);
  } else {
    apply_with<T, false>(a, begin, end);
  }
}

template <class T, bool with_x, bool mask>
void reduce(const NormReduce& a, Index begin, Index end, double* sum_g, double* sum_gx) {
  const Index mask_row = (a.dy.c + 7) / 8;
  const Index block = block_pixels(a.dy.c);
  for (Index from = begin; from < end; from += block) {
    const Index to = from + block < end ? from + block : end;
    const Index ahead_dy = to < end ? block * a.dy.pitch : 0, ahead_x = to < end ? block * a.x.pitch : 0;
    for_wide_vectors(a.dy.c, [&](Index c, auto width, auto lane) {
      constexpr int n = decltype(width)::value;
      Vec g_sum[n] = {}, gx_sum[n] = {}, mean[n] = {};
      if constexpr (with_x) {
        for (int k = 0; k < n; ++k) mean[k] = load(a.mean + c + k * lanes, lane);
      }
      for (Index p = from; p < to; ++p) {
        const T* dy = pixel<T>(a.dy, p) + c;
        const T* x = with_x ? pixel<T>(a.x, p) + c : nullptr;
        for (int k = 0; k < n; ++k) {
          fetch(dy + ahead_dy + k * lanes);
          if constexpr (with_x) fetch(x + ahead_x + k * lanes);
          Vec g = load(dy + k * lanes, lane);
          if constexpr (mask) {
            g = choose(from_bits(load_bits(a.mask + p * mask_row + (c + k * lanes) / 8, lane)), g, Vec{});
          }
          g_sum[k] += g;
          if constexpr (with_x) gx_sum[k] += g * (load(x + k * lanes, lane) - mean[k]);
        }
      }
      for (int k = 0; k < n; ++k) {
        accumulate(sum_g + c + k * lanes, g_sum[k], lane);
        if constexpr (with_x) accumulate(sum_gx + c + k * lanes, gx_sum[k], lane);
      }
    });
  }
}

template <class T>
void norm_reduce(const NormReduce& a, Index begin, Index end, double* sum_g, double* sum_gx) {
  const bool with_x = a.x.data != nullptr;
  for (Index c = 0; c < a.dy.c; ++c) sum_g[c] = 0.0;
  for (Index c = 0; with_x && c < a.dy.c; ++c) sum_gx[c] = 0.0;
  const auto loop = with_x ? (a.mask != nullptr ? reduce<T, true, true> : reduce<T, true, false>)
                           : (a.mask != nullptr ? reduce<T, false, true> : reduce<T, false, false>);
  loop(a, begin, end, sum_g, sum_gx);
}

template <class T, bool far, bool with_x, bool mask>
void gradient(const NormGradient& a, Index begin, Index end) {
  const Index mask_row = (a.dy.c + 7) / 8;
  for (Index p = begin; p < end; ++p) {
    const T* dy = pixel<T>(a.dy, p);
    const T* x = with_x ? pixel<T>(a.x, p) : nullptr;
    T* dx = a.dx.data != nullptr ? pixel<T>(a.dx, p) : nullptr;
    T* dresidual = a.dresidual.data != nullptr ? pixel<T>(a.dresidual, p) : nullptr;
    for_vectors(a.dy.c, [&](Index c, auto lane) {
      Vec g = load(dy + c, lane);
      if constexpr (mask) g = choose(from_bits(load_bits(a.mask + p * mask_row + c / 8, lane)), g, Vec{});
      Vec v = load(a.from_g + c, lane) * g;
      if constexpr (with_x) {
        v += load(a.from_x + c, lane) * (load(x + c, lane) - load(a.mean + c, lane)) +
             load(a.constant + c, lane);
      }
      if (a.add && dx != nullptr) v += load(dx + c, lane);
      if (dx != nullptr) put<far>(dx + c, v, lane);
      if (dresidual != nullptr) store(dresidual + c, g, lane);
    });
  }
  if constexpr (far) stream_end();
}

template <class T, bool far>
void gradient_with(const NormGradient& a, Index begin, Index end) {
  const bool mask = a.mask != nullptr;
  const auto loop = a.x.data != nullptr
                        ? (mask ? gradient<T, far, true, true> : gradient<T, far, true, false>)
                        : (mask ? gradient<T, far, false, true> : gradient<T, far, false, false>);
  loop(a, begin, end);
}

template <class T>
void norm_gradient(const NormGradient& a, Index begin, Index end) {
  // Where dx is read too, its lines are in the cache already.
  if (!a.add && a.dx.data != nullptr && a.dx.data != a.dy.data &&
      is_far(a.dx.data, a.dx.type, a.dx.n * a.dx.h * a.dx.w, a.dx.c, a.dx.pitch)) {
    gradient_with<T, true>(a, begin, end);
  } else {
    gradient_with<T, false>(a, begin, end);
  }
}

}  // namespace

template <class T>
void add_batch_norm(Loops& loops) {
  loops.moments = moments<T>;
  loops.norm_apply = norm_apply<T>;
  loops.norm_reduce = norm_reduce<T>;
  loops.norm_gradient = norm_gradient<T>;
}

template void add_batch_norm<float>(Loops&);
template void add_batch_norm<bf16>(Loops&);

}  // namespace thaw::cpu::THAW_CPU_ISA
