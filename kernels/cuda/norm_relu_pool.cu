// BatchNorm + ReLU + max-pooling: what lies between is computed anew for every window and never written.
#include "kernels/cuda/batch_norm.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/pool2d.h"
#include "kernels/cuda/reduce.h"

namespace thaw::cuda {
namespace {

template <bool Wide, int Kernel, class T>
__global__ void __launch_bounds__(block_threads)
    norm_pool_kernel(PoolGeometry g, NormParameters norm, Pixels<const T> x, Pixels<T> y,
                     std::uint8_t* index) {
  const Place at(g.shape);
  if (at.count == 0) return;
  const Normalize normalize(norm, at);
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    const Position p = position_of(pixel, g.out_h, g.out_w);
    float best[octet];
    unsigned winner[octet];
    window_maximum<Wide, Kernel>(g, p, x, at, best, winner, normalize);
#pragma unroll
    for (int k = 0; k < octet; ++k)
      // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): every window holds an input
      if (best[k] <= 0.0f) {  // NaN stays NaN
        best[k] = 0.0f;
        winner[k] = no_winner;
      }
    store_octet<Wide>(y.data + pixel * y.pitch + at.channel, best, at.count);
    if (index != nullptr) store_bytes<Wide>(index + pixel * g.shape.channels + at.channel, winner, at.count);
  }
}

// Sums of g and g * (x - mean) over the pixels of x. Its children say what belongs to a pixel.
struct WonGradients {
  static constexpr int in_flight = 1;
  PoolGeometry g{};
  NormParameters norm{};
  const std::uint8_t* index = nullptr;
  GradientOutputs to{};

  __device__ Means constants(const Place& at) const { return means_of(norm.mean, at); }
  __device__ void finish(std::int64_t channel, const double (&sums)[2]) const {
    to.give(channel, static_cast<float>(sums[0]),
            static_cast<float>(sums[1]) * inverse_deviation(norm.var[channel], norm.eps));
  }
};

// Pixel by pixel, for any window.
template <class T, bool Wide>
struct WonByPixels : WonGradients {
  static constexpr int run_length = 16;
  struct Fetched {
    RawOctet<T> x;
    float won[octet];
  };
  Pixels<const T> dy, x;

  __device__ Fetched fetch(std::int64_t pixel, const Place& at) const {
    Fetched in{load_raw<Wide>(x.data + pixel * x.pitch + at.channel, at.count), {}};
    sum_of_won<Wide>(g, position_of(pixel, g.in_h, g.in_w), dy, index, at, in.won);
    return in;
  }
  __device__ void add(const Means& m, const Fetched& in, float (&run)[2][octet]) const {
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      run[0][k] += in.won[k];
      run[1][k] += in.won[k] * (in.x[k] - m.v[k]);
    }
  }
};

// Cell by cell; what is counted as a pixel is a cell.
template <class T>
struct WonByCells : WonGradients {
  static constexpr int run_length = 4;
  struct Fetched {
    Cell<T> cell;
    RawOctet<T> x[4];
  };
  Pixels<const T> dy, x;

  __device__ Fetched fetch(std::int64_t cell, const Place& at) const {
    Fetched in{Cell<T>(g, cell, dy, index, at), {}};
#pragma unroll
    for (int i = 0; i < 4; ++i)
      in.x[i] = load_raw<true>(x.data + in.cell.input(g, i) * x.pitch + at.channel, octet);
    return in;
  }
  // An input that the picture does not have has won nothing.
  __device__ void add(const Means& m, const Fetched& in, float (&run)[2][octet]) const {
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int k = 0; k < octet; ++k) {
        const float won = in.cell.won(i, k);
        run[0][k] += won;
        run[1][k] += won * (in.x[i][k] - m.v[k]);
      }
  }
};

// sum_g null: statistics were constants, and x is not read.
template <bool Wide, class T>
__global__ void __launch_bounds__(block_threads)
    norm_pool_gradient_kernel(PoolGeometry g, NormParameters norm, std::int64_t pixels, const float* sum_g,
                              const float* sum_g_xhat, Pixels<const T> dy, const std::uint8_t* index,
                              Pixels<const T> x, Pixels<T> dx) {
  const Place at(g.shape);
  if (at.count == 0) return;
  const NormGradient d(norm, sum_g, sum_g_xhat, pixels, at);
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    float v[octet] = {}, in[octet] = {};
    if (sum_g != nullptr) load_octet<Wide>(in, x.data + pixel * x.pitch + at.channel, at.count);
    sum_of_won<Wide>(g, position_of(pixel, g.in_h, g.in_w), dy, index, at, v);
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      v[k] *= d.from_g[k];
      if (sum_g != nullptr) v[k] += d.from_x[k] * (in[k] - d.mean[k]) + d.constant[k];
    }
    store_octet<Wide>(dx.data + pixel * dx.pitch + at.channel, v, at.count);
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads, sizeof(T) == 2 ? 2 : 1)
    norm_pool_cells_kernel(PoolGeometry g, NormParameters norm, std::int64_t pixels, const float* sum_g,
                           const float* sum_g_xhat, Pixels<const T> dy, const std::uint8_t* index,
                           Pixels<const T> x, Pixels<T> dx) {
  const Place at(g.shape);
  if (at.count == 0) return;
  const NormGradient d(norm, sum_g, sum_g_xhat, pixels, at);
  for (std::int64_t pixel = at.pixel; pixel < g.shape.pixels; pixel += at.step) {
    const Cell<T> cell(g, pixel, dy, index, at);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (!cell.exists(i)) continue;
      RawOctet<T> in = {};
      if (sum_g != nullptr) in = load_raw<true>(x.data + cell.input(g, i) * x.pitch + at.channel, octet);
      float v[octet];
#pragma unroll
      for (int k = 0; k < octet; ++k) {
        v[k] = cell.won(i, k) * d.from_g[k];
        if (sum_g != nullptr) v[k] += d.from_x[k] * (in[k] - d.mean[k]) + d.constant[k];
      }
      store_octet<true>(dx.data + cell.input(g, i) * dx.pitch + at.channel, v, octet);
    }
  }
}

}  // namespace

template <>
void run(const Queue& queue, const NormReluPoolForward& op, Workspace) {
  if (op.y.elements() == 0) return;
  const NormParameters parameters{
      .mean = op.mean, .var = op.var, .gamma = op.gamma, .beta = op.beta, .eps = op.norm.eps};
  with_type(op.name, op.y.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const PoolGeometry g = geometry_of(queue, op.pool, op.x, op.y, op.y);
          auto kernel = norm_pool_kernel<wide.value, 0, T>;
          if constexpr (wide.value)
            if (op.pool.kernel == 3) kernel = norm_pool_kernel<true, 3, T>;
          launch(queue, op.name, kernel, dim3(g.shape.grid()), g, parameters, input_pixels<T>(op.x),
                 output_pixels<T>(op.y), op.index);
        },
        op.x, op.y, bytes_view(op.y, op.index));
  });
}

std::size_t workspace_bytes(const Queue& queue, const NormReluPoolBackwardReduce& op) {
  return most_column_sums_bytes(queue, op.x.pixels(), op.x.c, 2);
}

template <>
void run(const Queue& queue, const NormReluPoolBackwardReduce& op, Workspace workspace) {
  const NormParameters parameters{
      .mean = op.mean, .var = op.var, .gamma = nullptr, .beta = nullptr, .eps = op.norm.eps};
  with_type(op.name, op.x.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const auto sum = [&](auto f, const ConstView& walked) {
            f.g = geometry_of(queue, op.pool, op.x, op.dy, walked);
            f.g.shape = sum_columns(queue, walked.pixels(), walked.c, f.in_flight);
            f.norm = parameters;
            f.index = op.index;
            f.to = {op.sum_g, op.sum_g_xhat, op.dgamma, op.dbeta};
            f.dy = input_pixels<T>(op.dy);
            f.x = input_pixels<T>(op.x);
            column_sums<2>(queue, op.name, f, f.g.shape, workspace);
          };
          if (wide.value && in_cells(op.pool, op.x, op.dy))
            sum(WonByCells<T>(), op.dy);
          else
            sum(WonByPixels<T, wide.value>(), op.x);
        },
        op.dy, op.x, bytes_view(op.dy, op.index));
  });
}

template <>
void run(const Queue& queue, const NormReluPoolBackwardApply& op, Workspace) {
  if (op.dx.elements() == 0) return;
  const NormParameters parameters{
      .mean = op.mean, .var = op.var, .gamma = op.gamma, .beta = nullptr, .eps = op.norm.eps};
  with_type(op.name, op.dx.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const bool cells = wide.value && in_cells(op.pool, op.dx, op.dy);
          const PoolGeometry g = geometry_of(queue, op.pool, op.dx, op.dy, cells ? op.dy : ConstView(op.dx));
          const auto kernel = cells ? norm_pool_cells_kernel<T> : norm_pool_gradient_kernel<wide.value, T>;
          launch(queue, op.name, kernel, dim3(g.shape.grid()), g, parameters, op.dx.pixels(), op.sum_g,
                 op.sum_g_xhat, input_pixels<T>(op.dy), op.index, input_pixels<T>(op.x),
                 output_pixels<T>(op.dx));
        },
        op.dy, op.x, op.dx, bytes_view(op.dy, op.index));
  });
}

}  // namespace thaw::cuda
