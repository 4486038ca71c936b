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

// How the sums over `pixels` are shared: as many blocks as the device holds at once, for a second wave would
// begin when most of the first is done, and every part is one more to join.
inline Columns sum_columns(const Queue& queue, std::int64_t pixels, std::int64_t channels, int in_flight) {
  return columns_of(queue, pixels, channels, 2, static_cast<unsigned>(in_flight));
}

// Sums per channel over a part of the pixels. f.constants(place) is fetched once; f.fetch(pixel, place) loads
// what belongs to a pixel, for F::in_flight pixels before the first is used: bandwidth is bytes in flight
// over latency. f.add(constants, fetched, run) adds it to run[Sums][octet]. Short runs are f32, what they
// join is double. Two blocks at least: left to itself, ptxas spills on sm_80 to fit more.
template <int Sums, class F>
__global__ void __launch_bounds__(block_threads, 2) column_sums_kernel(F f, Columns shape, double* partial) {
  constexpr int in_flight = F::in_flight;
  static_assert(F::run_length % in_flight == 0);
  THAW_SHARED(double, tile, [Sums * octet * block_threads]);
  const Place at(shape);
#pragma unroll
  for (int i = 0; i < Sums * octet; ++i) tile[i * block_threads + threadIdx.x] = 0.0;
  if (at.count > 0) {
    const auto constants = f.constants(at);
    float run[Sums][octet] = {};
    const auto join = [&] {
#pragma unroll
      for (int s = 0; s < Sums; ++s)
#pragma unroll
        for (int k = 0; k < octet; ++k) {
          tile[(s * octet + k) * block_threads + threadIdx.x] += static_cast<double>(run[s][k]);
          run[s][k] = 0.0f;
        }
    };
    int length = 0;
    for (std::int64_t pixel = at.pixel; pixel < shape.pixels; pixel += in_flight * at.step) {
      typename F::Fetched fetched[in_flight];
      unsigned valid = 0;
      // Beyond the last pixel the first of these once more: a load behind a branch would wait for the one
      // before.
#pragma unroll
      for (int i = 0; i < in_flight; ++i) {
        const std::int64_t wanted = pixel + i * at.step;
        valid |= (wanted < shape.pixels ? 1u : 0u) << i;
        fetched[i] = f.fetch(wanted < shape.pixels ? wanted : pixel, at);
      }
#pragma unroll
      for (int i = 0; i < in_flight; ++i)
        if ((valid >> i & 1) != 0) f.add(constants, fetched[i], run);
      length += in_flight;
      if (length < F::run_length) continue;
      join();
      length = 0;
    }
    join();
  }
  __syncthreads();
  // A sum over the rows for each of the tile's channels.
  const unsigned wide = shape.lanes * octet;
  for (unsigned i = threadIdx.x; i < Sums * wide; i += block_threads) {
    const unsigned s = i / wide, lane = i % wide / octet, k = i % octet;
    const std::int64_t channel = (at.tile * shape.lanes + lane) * octet + k;
    if (channel >= shape.channels) continue;
    const double* column = tile + (s * octet + k) * block_threads + lane;
    double sum = 0.0;
    for (unsigned row = 0; row < shape.rows; ++row) sum += column[row * shape.lanes];
    partial[(at.part * Sums + s) * shape.channels + channel] = sum;
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
#pragma unroll 8
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

// Enough for the sums over these pixels, whatever is in flight.
inline std::size_t most_column_sums_bytes(const Queue& queue, std::int64_t pixels, std::int64_t channels,
                                          std::int64_t sums) {
  return column_sums_bytes(sum_columns(queue, pixels, channels, 1), sums);
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
