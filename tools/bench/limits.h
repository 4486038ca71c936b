// What this machine can do at most, measured on the spot: the denominators of every share that `bench`
// reports.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/backend.h"

namespace thaw::bench {

inline double seconds_of(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The median of `repeats` runs after one that is not counted.
inline double median_seconds(int repeats, const std::function<void()>& f) {
  f();
  std::vector<double> times(static_cast<std::size_t>(std::max(1, repeats)));
  for (double& time : times) time = seconds_of(f);
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

#if defined(__x86_64__)
// Twelve independent chains of fused multiply-adds: enough to fill two pipes of latency 4 to 6.
constexpr int chains = 12;

[[gnu::target("avx512f")]] inline float fma_avx512(std::int64_t rounds) {
  __m512 sum[chains];
  for (int i = 0; i < chains; ++i) sum[i] = _mm512_set1_ps(static_cast<float>(i));
  const __m512 factor = _mm512_set1_ps(0.999f), rest = _mm512_set1_ps(1e-3f);
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sum[i] = _mm512_fmadd_ps(sum[i], factor, rest);
  }
  __m512 total = sum[0];
  for (int i = 1; i < chains; ++i) total = _mm512_add_ps(total, sum[i]);
  return _mm512_cvtss_f32(total);
}

[[gnu::target("avx2,fma")]] inline float fma_avx2(std::int64_t rounds) {
  __m256 sum[chains];
  for (int i = 0; i < chains; ++i) sum[i] = _mm256_set1_ps(static_cast<float>(i));
  const __m256 factor = _mm256_set1_ps(0.999f), rest = _mm256_set1_ps(1e-3f);
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sum[i] = _mm256_fmadd_ps(sum[i], factor, rest);
  }
  __m256 total = sum[0];
  for (int i = 1; i < chains; ++i) total = _mm256_add_ps(total, sum[i]);
  return _mm256_cvtss_f32(total);
}

[[gnu::target("avx512f,avx512bf16")]] inline float dot_bf16(std::int64_t rounds) {
  __m512 sum[chains];
  for (int i = 0; i < chains; ++i) sum[i] = _mm512_setzero_ps();
  const __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.25f));
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sum[i] = _mm512_dpbf16_ps(sum[i], a, a);
  }
  __m512 total = sum[0];
  for (int i = 1; i < chains; ++i) total = _mm512_add_ps(total, sum[i]);
  return _mm512_cvtss_f32(total);
}
#endif

// FLOP/s of `loop` on `threads` threads; `per_round`: floating-point operations of one round. The best of
// five.
inline double flops_of(float (*loop)(std::int64_t), double per_round, int threads) {
  constexpr std::int64_t rounds = 4'000'000;
  double best = 0.0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    const double time = seconds_of([&] {
      std::vector<std::thread> workers;
      workers.reserve(static_cast<std::size_t>(threads));
      std::vector<float> results(static_cast<std::size_t>(threads));
      for (float& result : results) workers.emplace_back([&result, loop] { result = loop(rounds); });
      for (std::thread& worker : workers) worker.join();
    });
    best = std::max(best, static_cast<double>(rounds) * per_round * threads / time);
  }
  return best;
}

struct Limits {
  double f32_flops = 0.0;         // 0: not known (a GPU, or a processor without AVX2)
  double bf16_flops = 0.0;        // 0: not known
  double bytes_per_second = 0.0;  // read plus written by a copy that fits no cache
};

inline Limits measure_limits(Backend& backend, int threads) {
  Limits limits;
#if defined(__x86_64__)
  if (backend.name() == "cpu") {
    if (__builtin_cpu_supports("avx512f")) {
      limits.f32_flops = flops_of(fma_avx512, 2.0 * 16 * chains, threads);
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      limits.f32_flops = flops_of(fma_avx2, 2.0 * 8 * chains, threads);
    }
    if (__builtin_cpu_supports("avx512bf16"))
      limits.bf16_flops = flops_of(dot_bf16, 2.0 * 32 * chains, threads);
  }
#else
  static_cast<void>(threads);
#endif
  constexpr std::size_t bytes = std::size_t{256} << 20;
  void *from = backend.allocate(bytes), *to = backend.allocate(bytes);
  backend.zero(from, bytes);
  backend.zero(to, bytes);
  constexpr int copies = 4;  // in a row, so that a device's answer to the host does not count
  const double time = median_seconds(5, [&] {
    for (int i = 0; i < copies; ++i) backend.copy_bytes(to, from, bytes);
    backend.synchronize();
  });
  backend.deallocate(from, bytes);
  backend.deallocate(to, bytes);
  limits.bytes_per_second = 2.0 * copies * static_cast<double>(bytes) / time;
  return limits;
}

}  // namespace thaw::bench
