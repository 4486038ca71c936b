#include "kernels/cpu/isa/parts.h"
#include "kernels/cpu/isa/vector.h"

namespace thaw::cpu::THAW_CPU_ISA {
namespace {

// Channels that are summed together: their sums, in f32 for one block of pixels, stay in the first-level
// cache.
constexpr Index chunk = 512;
// Elements ahead that a walk along rows fetches; measured.
constexpr Index near = 256;

// Pixels of a block: their values fit the first-level cache, so that a second pass over them costs little,
// and f32 sums over them round little.
Index block_pixels(Index channels) {
  const Index pixels = 8192 / (channels < chunk ? channels : chunk);
  return pixels < 16 ? 16 : pixels;
}

// f(first channel, channels) for the chunks of n channels.
template <class F>
THAW_INLINE void for_chunks(Index n, F f) {
  for (Index c = 0; c < n; c += chunk) f(c, n - c < chunk ? n - c : chunk);
}

// Asks for the line at `at` to be brought near; any address is allowed.
template <class T>
THAW_INLINE void fetch(const T* at) {
  __builtin_prefetch(at, 0, 2);
}

// Sums over pixels [begin, end) of what sums(p, c, lane, a, b) adds to two vectors. Few channels are summed
// in registers; of many, each row is walked to its end before the next: leaping between rows, the processor
// does not foresee the loads, and reading falls to half the speed.
template <class F>
THAW_INLINE void add_rows(Index begin, Index end, Index channels, float* first, float* second, F sums) {
  if (channels <= 4 * lanes) {
    for_wide_vectors(channels, [&](Index c, auto width, auto lane) {
      constexpr int n = decltype(width)::value;
      Vec a[n] = {}, b[n] = {};
      for (Index p = begin; p < end; ++p) {
        for (int k = 0; k < n; ++k) sums(p, c + k * lanes, lane, a[k], b[k]);
      }
      for (int k = 0; k < n; ++k) {
        store(first + c + k * lanes, a[k], Full{});
        store(second + c + k * lanes, b[k], Full{});
      }
    });
    return;
  }
  for (Index c = 0; c < chunk; ++c) first[c] = second[c] = 0.0f;
  for (Index p = begin; p < end; ++p) {
    for_vectors(channels, [&](Index c, auto lane) {
      Vec a = load(first + c, Full{}), b = load(second + c, Full{});
      sums(p, c, lane, a, b);
      store(first + c, a, Full{});
      store(second + c, b, Full{});
    });
  }
}

// Mean and squared deviations of each block by two passes, joined to those of the blocks before it (Chan et
// al. 1979).
template <class T>
void moments(const ConstView& x, Index begin, Index end, double* mean, double* m2) {
  for (Index c = 0; c < x.c; ++c) mean[c] = m2[c] = 0.0;
  const Index block = block_pixels(x.c);
  alignas(64) float sum[chunk], unused[chunk], rest[chunk], square[chunk];
  for (Index from = begin; from < end; from += block) {
    const Index to = from + block < end ? from + block : end;
    const float n = static_cast<float>(to - from);
    const double count = static_cast<double>(to - from), before = static_cast<double>(from - begin);
    const double share = count / (before + count);
    const Index next = to < end ? block * x.pitch : 0;  // the second pass brings the next block
    for_chunks(x.c, [&](Index start, Index channels) {
      add_rows(from, to, channels, sum, unused, [&](Index p, Index c, auto lane, Vec& a, Vec&) {
        const T* at = pixel<T>(x, p) + start + c;
        fetch(at + near);
        a += load(at, lane);
      });
      for (Index c = 0; c < chunk; ++c) sum[c] /= n;
      add_rows(from, to, channels, rest, square, [&](Index p, Index c, auto lane, Vec& a, Vec& b) {
        const T* at = pixel<T>(x, p) + start + c;
        fetch(at + next);
        const Vec d = load(at, lane) - load(sum + c, Full{});
        a += d;
        b += d * d;
      });
#pragma omp simd
      for (Index c = 0; c < channels; ++c) {
        // What rounding left of the block's mean: the deviations' own mean.
        const double fix = static_cast<double>(rest[c]) / count;
        const double delta = static_cast<double>(sum[c]) + fix - mean[start + c];
        m2[start + c] += static_cast<double>(square[c]) - fix * fix * count + delta * delta * share * before;
        mean[start + c] += delta * share;
      }
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
      Vec v = multiply_add(load(x + c, lane) - load(a.mean + c, lane), load(a.scale + c, lane),
                           load(a.beta + c, lane));
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
  alignas(64) float block_g[chunk], block_gx[chunk];
  for (Index from = begin; from < end; from += block) {
    const Index to = from + block < end ? from + block : end;
    for_chunks(a.dy.c, [&](Index start, Index channels) {
      add_rows(from, to, channels, block_g, block_gx,
               [&](Index p, Index c, auto lane, Vec& g_sum, Vec& gx_sum) {
                 const T* dy = pixel<T>(a.dy, p) + start + c;
                 fetch(dy + near);
                 Vec g = load(dy, lane);
                 if constexpr (mask)
                   g = choose(from_bits(load_bits(a.mask + p * mask_row + (start + c) / 8, lane)), g, Vec{});
                 g_sum += g;
                 if constexpr (with_x) {
                   const T* x = pixel<T>(a.x, p) + start + c;
                   fetch(x + near);
                   gx_sum += g * (load(x, lane) - load(a.mean + start + c, lane));
                 }
               });
#pragma omp simd
      for (Index c = 0; c < channels; ++c) sum_g[start + c] += static_cast<double>(block_g[c]);
      if constexpr (with_x) {
#pragma omp simd
        for (Index c = 0; c < channels; ++c) sum_gx[start + c] += static_cast<double>(block_gx[c]);
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
