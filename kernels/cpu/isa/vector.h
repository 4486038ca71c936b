// As many floats as one register holds, for the loops that are compiled once per instruction set. Everything
// here lies in the namespace of its instruction set, so that the linker cannot put AVX-512 code where an
// older processor runs it.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "kernels/dtype.h"

#define THAW_INLINE [[gnu::always_inline]] inline

namespace thaw::cpu::THAW_CPU_ISA {

// Vectors wider than a register would be compared value by value (GCC 12), so the width is the machine's.
#if defined(__AVX512F__)
constexpr Index lanes = 16;
#else
constexpr Index lanes = 8;
#endif
using Vec = float __attribute__((vector_size(4 * lanes)));
using Ints = std::int32_t __attribute__((vector_size(4 * lanes)));
using Words = std::uint32_t __attribute__((vector_size(4 * lanes)));
using Halves = std::uint16_t __attribute__((vector_size(2 * lanes)));
using Bytes = std::uint8_t __attribute__((vector_size(lanes)));

// How many lanes of a vector lie in memory: all, or the first `count`.
struct Full {
  static constexpr int count = lanes;
};
struct Tail {
  int count;
};

THAW_INLINE Vec splat(float value) {
  return Vec{} + value;
}

template <class V, class E>
THAW_INLINE V load_raw(const E* from, Full) {
  V v;
  __builtin_memcpy(&v, from, sizeof(V));
  return v;
}
template <class V, class E>
THAW_INLINE V load_raw(const E* from, Tail tail) {
  V v{};
  E buffer[lanes] = {};
  for (int i = 0; i < tail.count; ++i) buffer[i] = from[i];
  __builtin_memcpy(&v, buffer, sizeof(V));
  return v;
}
template <class V, class E>
THAW_INLINE void store_raw(E* to, V v, Full) {
  __builtin_memcpy(to, &v, sizeof(V));
}
template <class V, class E>
THAW_INLINE void store_raw(E* to, V v, Tail tail) {
  E buffer[lanes];
  __builtin_memcpy(buffer, &v, sizeof(V));
  for (int i = 0; i < tail.count; ++i) to[i] = buffer[i];
}

template <class Lane>
THAW_INLINE Vec load(const float* from, Lane lane) {
  return load_raw<Vec>(from, lane);
}
template <class Lane>
THAW_INLINE Vec load(const bf16* from, Lane lane) {
  const auto half = load_raw<Halves>(reinterpret_cast<const std::uint16_t*>(from), lane);
  return reinterpret_cast<Vec>(__builtin_convertvector(half, Words) << 16);
}

template <class Lane>
THAW_INLINE void store(float* to, Vec v, Lane lane) {
  store_raw(to, v, lane);
}
// Rounds to nearest even; NaN stays NaN.
template <class Lane>
THAW_INLINE void store(bf16* to, Vec v, Lane lane) {
#if defined(__AVX512BF16__)
  // One instruction instead of ten; it takes denormals for 0.
  const auto halves = reinterpret_cast<Halves>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(v)));
#else
  const auto u = reinterpret_cast<Words>(v);
  const Words rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const Words quiet = (u >> 16) | 0x40u;
  const Words chosen = (v != v) ? quiet : rounded;
  const auto halves = __builtin_convertvector(chosen, Halves);
#endif
  store_raw(reinterpret_cast<std::uint16_t*>(to), halves, lane);
}

// a * b + c with one rounding where the instruction set has it. A compiler contracts `a * b + c` in one place
// and not in another; two loops that must give the same bits both call this.
THAW_INLINE Vec multiply_add(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vec>(
      _mm512_fmadd_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif defined(__FMA__)
  return reinterpret_cast<Vec>(
      _mm256_fmadd_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
#else
  return a * b + c;
#endif
}

// Stores past the caches, for outputs that no cache would hold until they are read: saves reading each line
// first. Full vectors at multiples of their own size only; end a run of them with stream_end.
THAW_INLINE void stream(float* to, Vec v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, reinterpret_cast<__m512>(v));
#elif defined(__AVX__)
  _mm256_stream_ps(to, reinterpret_cast<__m256>(v));
#else
  store(to, v, Full{});
#endif
}
THAW_INLINE void stream(bf16* to, Vec v) {
  store(to, v, Full{});
}
THAW_INLINE void stream_end() {
#if defined(__AVX__)
  _mm_sfence();
#endif
}

template <bool far, class T, class Lane>
THAW_INLINE void put(T* to, Vec v, Lane lane) {
  if constexpr (far && __is_same(Lane, Full)) {
    stream(to, v);
  } else {
    store(to, v, lane);
  }
}

// Whether an output of this shape is too large for the caches and lies right for stream().
THAW_INLINE bool is_far(const void* data, DType type, std::int64_t pixels, std::int64_t c,
                        std::int64_t pitch) {
  constexpr std::int64_t cache = std::int64_t{24} << 20;
  return type == DType::f32 && pixels * c * 4 > cache && c % lanes == 0 && pitch % lanes == 0 &&
         reinterpret_cast<std::uintptr_t>(data) % 64 == 0;
}

THAW_INLINE Vec choose(Ints where, Vec yes, Vec no) {
  return where ? yes : no;
}

// Bit i of the result is set where lane i of `where` is true.
THAW_INLINE std::uint32_t to_bits(Ints where) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(where));
#elif defined(__AVX2__)
  return static_cast<std::uint32_t>(_mm256_movemask_ps(reinterpret_cast<__m256>(where)));
#else
  std::uint32_t bits = 0;
  for (int i = 0; i < lanes; ++i) bits |= (where[i] != 0 ? 1u : 0u) << i;
  return bits;
#endif
}

THAW_INLINE Ints from_bits(std::uint32_t bits) {
#if defined(__AVX512F__)
  return reinterpret_cast<Ints>(_mm512_movm_epi32(static_cast<__mmask16>(bits)));
#else
  constexpr Words bit = {1, 2, 4, 8, 16, 32, 64, 128};
  return ((Words{} + bits) & bit) != Words{};
#endif
}

// One vector's bits of a ReLU mask (ops/batch_norm.h), beginning at a whole byte.
template <class Lane>
THAW_INLINE std::uint32_t load_bits(const std::uint8_t* from, Lane lane) {
  return lane.count > 8 ? from[0] | static_cast<std::uint32_t>(from[1]) << 8 : from[0];
}
template <class Lane>
THAW_INLINE void store_bits(std::uint8_t* to, std::uint32_t bits, Lane lane) {
  bits &= (1u << lane.count) - 1u;
  to[0] = static_cast<std::uint8_t>(bits);
  if (lane.count > 8) to[1] = static_cast<std::uint8_t>(bits >> 8);
}

// Bytes as integers and back (values 0 to 255). GCC 12 converts such vectors value by value.
THAW_INLINE Ints widen(Bytes bytes) {
#if defined(__AVX512F__)
  return reinterpret_cast<Ints>(_mm512_maskz_cvtepu8_epi32(0xffff, reinterpret_cast<__m128i>(bytes)));
#elif defined(__AVX2__)
  std::int64_t raw;
  __builtin_memcpy(&raw, &bytes, sizeof(raw));
  return reinterpret_cast<Ints>(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(raw)));
#else
  return __builtin_convertvector(bytes, Ints);
#endif
}
THAW_INLINE Bytes narrow(Ints values) {
#if defined(__AVX512F__)
  return reinterpret_cast<Bytes>(_mm512_maskz_cvtepi32_epi8(0xffff, reinterpret_cast<__m512i>(values)));
#elif defined(__AVX2__)
  __m128i part[2];
  __builtin_memcpy(part, &values, sizeof(part));
  const __m128i words = _mm_packs_epi32(part[0], part[1]);
  const std::int64_t raw = _mm_cvtsi128_si64(_mm_packus_epi16(words, words));
  Bytes bytes;
  __builtin_memcpy(&bytes, &raw, sizeof(raw));
  return bytes;
#else
  return __builtin_convertvector(values, Bytes);
#endif
}

// f(i, lane) for i = 0, lanes, ... that covers [0, n).
template <class F>
THAW_INLINE void for_vectors(std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(i, Full{});
  if (i < n) f(i, Tail{static_cast<int>(n - i)});
}

// f(i, width, lane) where four vectors are taken together while they last.
template <int n>
struct Width {
  static constexpr int value = n;
};
template <class F>
THAW_INLINE void for_wide_vectors(std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) f(i, Width<4>{}, Full{});
  for (; i + lanes <= n; i += lanes) f(i, Width<1>{}, Full{});
  if (i < n) f(i, Width<1>{}, Tail{static_cast<int>(n - i)});
}

}  // namespace thaw::cpu::THAW_CPU_ISA
