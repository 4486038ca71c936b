// Sums that give the same bits in every run: within a thread, over the rows of a block and over the blocks,
// each in a fixed order, without atomics. For .cu files only.
#pragma once

#include "kernels/cuda/columns.h"
#include "kernels/cuda/ops.h"

namespace thaw::cuda {

// The sum of `value` over the block; every thread must call it, once in a kernel; the first one gets the
// answer.
__device__ inline double block_sum(double value) {
  THAW_SHARED(double, warps, [block_threads / 32]);
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(~0u, value, offset);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
  __syncthreads();
  double sum = 0.0;
  if (threadIdx.x == 0)
    for (unsigned i = 0; i < block_threads / 32; ++i) sum += warps[i];
  return sum;
}

// Sums per channel over a part of the pixels. f.constants(place) is fetched once; f.add(constants, pixel,
// place, run) adds one pixel to run[Sums][octet]. Short runs are f32, what they join is double.
// Two blocks at least: left to itself, ptxas spills on sm_80 to fit more.
template <int Sums, class F>
__global__ void __launch_bounds__(block_threads, 2) column_sums_kernel(F f, Columns shape, double* partial) {
  THAW_SHARED(double, tile, [octet * block_threads]);
  const Place at(shape);
  double total[Sums][octet] = {};
  if (at.count > 0) {
    const auto constants = f.constants(at);
    for (std::int64_t pixel = at.pixel; pixel < shape.pixels;) {
      float run[Sums][octet] = {};
#pragma unroll 4
      for (int i = 0; i < 16 && pixel < shape.pixels; ++i, pixel += at.step) f.add(constants, pixel, at, run);
#pragma unroll
      for (int s = 0; s < Sums; ++s)
#pragma unroll
        for (int k = 0; k < octet; ++k) total[s][k] += static_cast<double>(run[s][k]);
    }
  }
  const unsigned lane = threadIdx.x % shape.lanes, k_of_lane = threadIdx.x / shape.lanes;
  const std::int64_t channel = (at.tile * shape.lanes + lane) * octet + k_of_lane;
#pragma unroll
  for (int s = 0; s < Sums; ++s) {
#pragma unroll
    for (int k = 0; k < octet; ++k) tile[k * block_threads + threadIdx.x] = total[s][k];
    __syncthreads();
    if (k_of_lane < octet && channel < shape.channels) {
      double sum = 0.0;
      for (unsigned i = lane; i < block_threads; i += shape.lanes) sum += tile[k_of_lane * block_threads + i];
      partial[(at.part * Sums + s) * shape.channels + channel] = sum;
    }
    __syncthreads();
  }
}

// Joins the parts and calls f.finish(channel, sums) for every channel. A block takes eight channels at a
// time.
template <int Sums, class F>
__global__ void __launch_bounds__(block_threads)
    finish_sums_kernel(F f, Columns shape, const double* partial) {
  THAW_SHARED(double, tile, [Sums][block_threads]);
  const unsigned lane = threadIdx.x % octet;
  for (std::int64_t base = std::int64_t{blockIdx.x} * octet; base < shape.channels;
       base += std::int64_t{gridDim.x} * octet) {
    double sum[Sums] = {};
    if (base + lane < shape.channels) {
#pragma unroll 4
      for (std::int64_t part = threadIdx.x / octet; part < shape.parts; part += block_threads / octet)
#pragma unroll
        for (int s = 0; s < Sums; ++s) sum[s] += partial[(part * Sums + s) * shape.channels + base + lane];
    }
#pragma unroll
    for (int s = 0; s < Sums; ++s) tile[s][threadIdx.x] = sum[s];
    __syncthreads();
    if (threadIdx.x < octet && base + lane < shape.channels) {
      double all[Sums] = {};
      for (unsigned i = lane; i < block_threads; i += octet)
#pragma unroll
        for (int s = 0; s < Sums; ++s) all[s] += tile[s][i];
      f.finish(base + lane, all);
    }
    __syncthreads();
  }
}

// Bytes of workspace for `sums` sums per channel.
inline std::size_t column_sums_bytes(const Columns& shape, std::int64_t sums) {
  return static_cast<std::size_t>(std::int64_t{shape.parts} * sums * shape.channels) * sizeof(double);
}

// Queues both kernels: sums of f over the pixels, then f.finish for every channel.
template <int Sums, class F>
void column_sums(const Queue& queue, const char* op, F f, const Columns& shape, Workspace workspace) {
  if (shape.channels == 0) return;
  require(workspace.bytes >= column_sums_bytes(shape, Sums), op,
          "the workspace is too small; ask workspace_bytes");
  auto* partial = static_cast<double*>(workspace.data);
  launch(queue, op, column_sums_kernel<Sums, F>, dim3(shape.grid()), f, shape, partial);
  launch(queue, op, finish_sums_kernel<Sums, F>,
         dim3(grid_for(queue, shape.channels * (block_threads / octet))), f, shape,
         static_cast<const double*>(partial));
}

}  // namespace thaw::cuda
