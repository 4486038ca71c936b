// The windows of pooling, for the loops of this folder.
#pragma once

#include "kernels/cpu/isa/parts.h"
#include "kernels/cpu/isa/vector.h"

namespace thaw::cpu::THAW_CPU_ISA {

constexpr Index least(Index a, Index b) {
  return a < b ? a : b;
}
constexpr Index most(Index a, Index b) {
  return a > b ? a : b;
}

struct Span {
  Index begin, end;
};

// The inputs that output `o` covers, clipped to the picture.
THAW_INLINE Span inputs_of(Index o, const Pool2dSpec& spec, Index size) {
  const Index first = o * spec.stride - spec.padding;
  return {most(first, 0), least(first + spec.kernel, size)};
}

// The outputs that cover input `i`.
THAW_INLINE Span outputs_of(Index i, const Pool2dSpec& spec, Index size) {
  const Index at = i + spec.padding;
  const Index first = at < spec.kernel ? 0 : (at - spec.kernel) / spec.stride + 1;
  return {first, least(at / spec.stride + 1, size)};
}

template <class Lane>
THAW_INLINE void store_index(std::uint8_t* to, Ints v, Lane lane) {
  store_raw(to, narrow(v), lane);
}
template <class Lane>
THAW_INLINE Ints load_index(const std::uint8_t* from, Lane lane) {
  return widen(load_raw<Bytes>(from, lane));
}

// The maximum of value(input pixel, k) over the inputs ys, xs of window (oy, ox) of picture n, for vectors k
// of a chunk of channels, and the place in the window where it stands: of equals the first, of NaNs the last.
template <int width, class F>
THAW_INLINE void window_maximum(const Pool2dSpec& spec, const ConstView& in, Index n, Index oy, Index ox,
                                Span ys, Span xs, Vec (&best)[width], Ints (&winner)[width], F value) {
  bool first = true;
  for (Index y = ys.begin; y < ys.end; ++y) {
    for (Index x = xs.begin; x < xs.end; ++x) {
      const Index from = (n * in.h + y) * in.w + x;
      const auto at = static_cast<std::int32_t>((y - oy * spec.stride + spec.padding) * spec.kernel + x -
                                                ox * spec.stride + spec.padding);
      for (int k = 0; k < width; ++k) {
        const Vec v = value(from, k);
        // The first value always enters (all may be -inf).
        const Ints takes = first ? Ints{} - 1 : (v > best[k]) | (v != v);
        best[k] = first ? v : choose(takes, v, best[k]);
        winner[k] = first ? Ints{} + at : (takes ? Ints{} + at : winner[k]);
      }
      first = false;
    }
  }
}

// The sum of dy over those of the windows ys, xs that input (iy, ix) of picture n won, for a chunk of
// channels from c on.
template <class T, int width, class Lane>
THAW_INLINE void sum_of_won(const Pool2dSpec& spec, const ConstView& dy, const std::uint8_t* index, Index n,
                            Index iy, Index ix, Span ys, Span xs, Index c, Lane lane, Vec (&sum)[width]) {
  for (Index y = ys.begin; y < ys.end; ++y) {
    for (Index x = xs.begin; x < xs.end; ++x) {
      const Index from = (n * dy.h + y) * dy.w + x;
      const T* gradient = pixel<T>(dy, from) + c;
      const std::uint8_t* won = index + from * dy.c + c;
      const auto at = static_cast<std::int32_t>((iy - y * spec.stride + spec.padding) * spec.kernel + ix -
                                                x * spec.stride + spec.padding);
      for (int k = 0; k < width; ++k) {
        const Ints mine = load_index(won + k * lanes, lane) == at;
        sum[k] += choose(mine, load(gradient + k * lanes, lane), Vec{});
      }
    }
  }
}

}  // namespace thaw::cpu::THAW_CPU_ISA
