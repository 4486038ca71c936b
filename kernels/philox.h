// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011). The same key and counter give the same bits on every device and in any order of evaluation.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define THAW_HOST_DEVICE __host__ __device__
#else
#define THAW_HOST_DEVICE
#endif

namespace thaw {

// What a stream of random numbers is for; keeps streams with one seed apart.
enum class Purpose : std::uint32_t { init = 1, shuffle, split, augment, dropout, mixup, test };

struct PhiloxBits {
  std::uint32_t v[4];
};

// Ten rounds over the 128-bit counter (c0..c3) under the 64-bit key (k0, k1).
THAW_HOST_DEVICE inline PhiloxBits philox4x32(std::uint32_t c0, std::uint32_t c1, std::uint32_t c2,
                                              std::uint32_t c3, std::uint32_t k0, std::uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2;
    const std::uint32_t n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const std::uint32_t n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<std::uint32_t>(p1);
    c3 = static_cast<std::uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

// Four words keyed by (seed, purpose, epoch or step, sample or element). `index` counts blocks of four words.
THAW_HOST_DEVICE inline PhiloxBits philox(std::uint64_t seed, Purpose purpose, std::uint32_t epoch,
                                          std::uint64_t index) {
  return philox4x32(static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), epoch,
                    static_cast<std::uint32_t>(purpose), static_cast<std::uint32_t>(seed),
                    static_cast<std::uint32_t>(seed >> 32));
}

// Uniform in [0, 1) with 24 bits.
THAW_HOST_DEVICE inline float philox_uniform(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * (1.0f / 16777216.0f);
}

// A sequential reader over one keyed stream (host code: augmentation, shuffling, initialisation).
class PhiloxStream {
 public:
  PhiloxStream(std::uint64_t seed, Purpose purpose, std::uint32_t epoch, std::uint64_t sample)
      : seed_(seed), purpose_(purpose), epoch_(epoch), base_(sample << 24) {}

  std::uint32_t bits() {
    if (used_ == 4) {
      block_ = philox(seed_, purpose_, epoch_, base_ + next_++);
      used_ = 0;
    }
    return block_.v[used_++];
  }
  float uniform() { return philox_uniform(bits()); }
  // Uniform integer in [0, n); n > 0. Lemire's multiply-shift with rejection, so without bias.
  std::uint32_t below(std::uint32_t n) {
    std::uint64_t m = std::uint64_t{bits()} * n;
    if (static_cast<std::uint32_t>(m) < n) {
      const std::uint32_t threshold = (0u - n) % n;
      while (static_cast<std::uint32_t>(m) < threshold) m = std::uint64_t{bits()} * n;
    }
    return static_cast<std::uint32_t>(m >> 32);
  }

 private:
  std::uint64_t seed_;
  Purpose purpose_;
  std::uint32_t epoch_;
  std::uint64_t base_;
  std::uint64_t next_ = 0;
  int used_ = 4;
  PhiloxBits block_{};
};

}  // namespace thaw
