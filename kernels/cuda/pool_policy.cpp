// What suits a device: the driver hands out large blocks in pages of 2 MiB; the ring of uploads holds
// 256 pictures of 224 x 224 and half as much again.
#include "kernels/cuda/memory.h"

namespace thaw::cuda {

PoolPolicy pool_policy() {
  constexpr std::size_t mebibyte = std::size_t{1} << 20;
  return {.granularity = 512,
          .large = mebibyte,
          .large_granularity = 2 * mebibyte,
          .slack_percent = 25,
          .poison = false,
          .upload_ring = 64 * mebibyte};
}

}  // namespace thaw::cuda
