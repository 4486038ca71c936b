// The one way a kernel is started, for .cu files only: on the backend's own stream, its block within the
// declared bounds, its error named.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "kernels/cuda/queue.h"
#include "kernels/error.h"

#if defined(__CUDACC__)
// THAW_SHARED(float, tile, [32][33]); an array shared by the block. The emulator of the tests defines its
// own, with guards around it, and is put before the source by the build.
#define THAW_SHARED(type, name, extents) __shared__ type name extents
#endif

namespace thaw::cuda {

// Threads per block of every kernel, declared to the compiler as __launch_bounds__(block_threads).
inline constexpr unsigned block_threads = 256;

// Blocks for a grid-stride loop over `items`: no more than the device holds at once (8 of 256 threads each).
inline unsigned grid_for(const Queue& queue, std::int64_t items) {
  const std::int64_t wanted = (items + block_threads - 1) / block_threads;
  return static_cast<unsigned>(std::clamp<std::int64_t>(wanted, 1, std::int64_t{8} * queue.multiprocessors));
}

// Starts kernel(args...) on `grid` blocks of block_threads threads. Throws Error that names `op`.
template <class... P, class... A>
void launch(const Queue& queue, const char* op, void (*kernel)(P...), dim3 grid, A... args) {
#if defined(__CUDACC__)
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = dim3(block_threads);
  config.stream = queue.stream;
  const cudaError_t error = cudaLaunchKernelEx(&config, kernel, static_cast<P>(args)...);
#else
  const cudaError_t error = simt::launch(op, kernel, grid, dim3(block_threads), queue.stream, args...);
#endif
  if (error != cudaSuccess)
    throw Error(std::string(op) + ": the kernel did not start on a grid of (" + std::to_string(grid.x) + "," +
                std::to_string(grid.y) + "," + std::to_string(grid.z) + "): " + cudaGetErrorString(error));
}

}  // namespace thaw::cuda
