// Threads of a block or a grid that meet wrongly, or not at all.
#include "tests/simt/planted/fault.h"

namespace thaw::planted {
namespace {

void missing_barrier(float* y) {
  THAW_SHARED(float, tile, [64]);
  tile[threadIdx.x] = 1.0f;
  y[threadIdx.x] = tile[63 - threadIdx.x];
}

void divergent_barrier(float*) {
  if (threadIdx.x < 32)
    __syncthreads();
  else
    __syncthreads();
}

void barrier_after_exit(float*) {
  if (threadIdx.x < 16) return;
  __syncthreads();
}

void barriers_by_thread(float*) {
  for (unsigned i = 0; i < 1 + threadIdx.x / 32; ++i) __syncthreads();
}

void divergent_shuffle(float* y) {
  if (threadIdx.x % 2 == 0)
    y[threadIdx.x] = __shfl_xor_sync(~0u, 1.0f, 1);
  else
    y[threadIdx.x] = __shfl_xor_sync(~0u, 2.0f, 1);
}

void shuffle_outside_mask(float* y) {
  if (threadIdx.x < 16) y[threadIdx.x] = __shfl_sync(0xffffu, 1.0f, 20);
}

void caller_outside_mask(float* y) {
  y[threadIdx.x] = __shfl_sync(0xffffu, 1.0f, 0);
}

void shuffle_after_exit(float* y) {
  if (threadIdx.x % 32 >= 20) return;
  y[threadIdx.x] = __shfl_down_sync(~0u, 1.0f, 1);
}

void partial_warp(float* y) {
  y[threadIdx.x] = __shfl_xor_sync(~0u, 1.0f, 16);
}

void divergent_vote(float* y) {
  if (threadIdx.x % 32 < 8)
    y[threadIdx.x] = static_cast<float>(__any_sync(~0u, 1));
  else
    __syncwarp();
}

void deadlock(float*) {
  if (threadIdx.x % 32 < 16)
    __syncwarp();
  else
    __syncthreads();
}

void missing_warp_barrier(float* y) {
  THAW_SHARED(float, tile, [64]);
  tile[threadIdx.x] = 1.0f;
  y[threadIdx.x] = tile[threadIdx.x ^ 1];
}

// The second iteration writes the tile while others may still read the first one's.
void missing_second_barrier(float* y) {
  THAW_SHARED(float, tile, [64]);
  for (int i = 0; i < 2; ++i) {
    tile[threadIdx.x] = 1.0f;
    __syncthreads();
    y[threadIdx.x] = tile[63 - threadIdx.x];
  }
}

void race_within_block(float* y) {
  THAW_SHARED(float, sum, [1]);
  sum[0] = 1.0f;
  __syncthreads();
  y[threadIdx.x] = sum[0];
}

void race_between_blocks(float* y) {
  if (threadIdx.x == 0) y[0] = 1.0f;
}

void read_between_blocks(float* y) {
  if (blockIdx.x == 0)
    y[threadIdx.x] = 1.0f;
  else
    y[64 + threadIdx.x] = y[threadIdx.x];
}

void lost_update(float* y) {
  y[0] += 1.0f;
}

}  // namespace

std::vector<Fault> threads_that_meet() {
  constexpr const char* race = "data race";
  return {
      {"missing_barrier", "a tile is read without `__syncthreads` after it is written",
       [] { fill("missing_barrier", missing_barrier); }, "wrong value", Where::host, every, nullptr, race},
      {"divergent_barrier", "half of the block waits in another `__syncthreads`",
       [] { fill("divergent_barrier", divergent_barrier); }, "divergent barrier", Where::line},
      {"barrier_after_exit", "`__syncthreads` after some threads have returned",
       [] { fill("barrier_after_exit", barrier_after_exit); }, "left the kernel", Where::line},
      {"barriers_by_thread", "warps pass a different number of `__syncthreads`",
       [] { fill("barriers_by_thread", barriers_by_thread); }, "left the kernel", Where::line},
      {"divergent_shuffle", "lanes of one mask are in two shuffles",
       [] { fill("divergent_shuffle", divergent_shuffle); }, "divergent warp", Where::line},
      {"shuffle_outside_mask", "a shuffle reads a lane that is not in its mask",
       [] { fill("shuffle_outside_mask", shuffle_outside_mask); }, "not in the mask", Where::line},
      {"caller_outside_mask", "a lane shuffles under a mask without itself",
       [] { fill("caller_outside_mask", caller_outside_mask); }, "the caller is not in the mask",
       Where::line},
      {"shuffle_after_exit", "a full mask after some lanes have returned",
       [] { fill("shuffle_after_exit", shuffle_after_exit); }, "left the kernel", Where::line},
      {"partial_warp", "a full mask in a block of 48 threads",
       [] { fill("partial_warp", partial_warp, 1, 48); }, "does not exist", Where::line},
      {"divergent_vote", "some lanes vote while others are in `__syncwarp`",
       [] { fill("divergent_vote", divergent_vote); }, "divergent warp", Where::line},
      {"deadlock", "half of a warp waits in `__syncwarp`, half in `__syncthreads`",
       [] { fill("deadlock", deadlock); }, "deadlock", Where::line},
      {"missing_warp_barrier", "lanes exchange values in shared memory without `__syncwarp`",
       [] { fill("missing_warp_barrier", missing_warp_barrier); }, "wrong value", Where::host, every, nullptr,
       race},
      {"missing_second_barrier", "a tile is written anew without `__syncthreads` after it is read",
       [] { fill("missing_second_barrier", missing_second_barrier); }, race, Where::line, tsan},
      {"race_within_block", "all threads of a block write one shared value",
       [] { fill("race_within_block", race_within_block); }, race, Where::line, tsan},
      {"race_between_blocks", "several blocks write one element",
       [] { fill("race_between_blocks", race_between_blocks, 8, 64, 1); }, race, Where::line, tsan},
      {"read_between_blocks", "a block reads what another one writes in the same launch",
       [] { fill("read_between_blocks", read_between_blocks, 2, 64, 128); }, race, Where::line, tsan},
      {"lost_update", "`+=` instead of `atomicAdd`", [] { fill("lost_update", lost_update, 1, 64, 1); }, race,
       Where::line, tsan},
  };
}

}  // namespace thaw::planted
