// The pool's policy on the emulator: every block is an allocation of exactly the bytes asked for, so that
// the emulator's guards stand right behind them, and a reused block holds NaN again. The ring of uploads
// is small, so that they go round.
#include "kernels/cuda/memory.h"

namespace thaw::cuda {

PoolPolicy pool_policy() {
  return chosen_pool_policy({.granularity = 1,
                             .large = 0,
                             .large_granularity = 1,
                             .slack_percent = 0,
                             .poison = true,
                             .upload_ring = std::size_t{64} << 10});
}

}  // namespace thaw::cuda
