#include "kernels/cuda/memory.h"

namespace thaw::cuda {

PoolPolicy pool_policy() {
  return chosen_pool_policy(device_pool_policy());
}

}  // namespace thaw::cuda
