// The sums over pixels that BatchNorm and biases need.
#include "kernels/cuda/reduce.h"

namespace thaw::cuda {
namespace {

struct Octet {
  float v[octet];
};

// Sums of d and d^2, d = x - shift, where shift is one of the channel's own values: what the variance loses
// beside a large mean is then bounded by the spread of the values.
template <class T, bool Wide>
struct Moments {
  Pixels<const T> x;
  std::int64_t origin;
  double share;  // 1 / pixels
  float *mean, *var;

  __device__ Octet constants(const Place& at) const {
    Octet shift;
    load_octet<Wide>(shift.v, x.data + origin * x.pitch + at.channel, at.count);
    return shift;
  }
  __device__ void add(const Octet& shift, std::int64_t pixel, const Place& at, float (&run)[2][octet]) const {
    float in[octet];
    load_octet<Wide>(in, x.data + pixel * x.pitch + at.channel, at.count);
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      const float d = in[k] - shift.v[k];
      run[0][k] += d;
      run[1][k] += d * d;
    }
  }
  __device__ void finish(std::int64_t channel, const double (&sums)[2]) const {
    const double offset = sums[0] * share;
    const double variance = sums[1] * share - offset * offset;
    mean[channel] =
        static_cast<float>(static_cast<double>(to_float(x.data[origin * x.pitch + channel])) + offset);
    var[channel] = variance < 0.0 ? 0.0f : static_cast<float>(variance);  // NaN stays NaN
  }
};

// Sums of g and g * (x - mean).
template <class T, bool Wide>
struct Gradients {
  Pixels<const T> dy, x;
  const float *mean, *var;
  const std::uint8_t* mask;
  std::int64_t mask_pitch;
  float eps;
  float *sum_g, *sum_g_xhat;

  __device__ Octet constants(const Place& at) const {
    Octet m;
    load_channels(m.v, mean + at.channel, at.count);
    return m;
  }
  __device__ void add(const Octet& m, std::int64_t pixel, const Place& at, float (&run)[2][octet]) const {
    float g[octet], in[octet];
    load_octet<Wide>(g, dy.data + pixel * dy.pitch + at.channel, at.count);
    load_octet<Wide>(in, x.data + pixel * x.pitch + at.channel, at.count);
    const unsigned bits = mask == nullptr ? 0xffu : mask[pixel * mask_pitch + at.channel / octet];
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      if ((bits >> k & 1) == 0) continue;
      run[0][k] += g[k];
      run[1][k] += g[k] * (in[k] - m.v[k]);
    }
  }
  __device__ void finish(std::int64_t channel, const double (&sums)[2]) const {
    sum_g[channel] = static_cast<float>(sums[0]);
    sum_g_xhat[channel] = static_cast<float>(sums[1]) * (1.0f / sqrtf(var[channel] + eps));
  }
};

template <class T, bool Wide>
struct Bias {
  Pixels<const T> dy;
  float* dbias;
  Into into;

  __device__ int constants(const Place&) const { return 0; }
  __device__ void add(int, std::int64_t pixel, const Place& at, float (&run)[1][octet]) const {
    float g[octet];
    load_octet<Wide>(g, dy.data + pixel * dy.pitch + at.channel, at.count);
#pragma unroll
    for (int k = 0; k < octet; ++k) run[0][k] += g[k];
  }
  __device__ void finish(std::int64_t channel, const double (&sums)[1]) const {
    const double before = into == Into::add ? static_cast<double>(dbias[channel]) : 0.0;
    dbias[channel] = static_cast<float>(before + sums[0]);
  }
};

}  // namespace

std::size_t workspace_bytes(const Queue& queue, const BatchNormStatistics& op) {
  return column_sums_bytes(columns_of(queue, op.x.pixels(), op.x.c), 2);
}

std::size_t workspace_bytes(const Queue& queue, const BatchNormBackwardReduce& op) {
  return column_sums_bytes(columns_of(queue, op.x.pixels(), op.x.c), 2);
}

std::size_t workspace_bytes(const Queue& queue, const BiasBackward& op) {
  return column_sums_bytes(columns_of(queue, op.dy.pixels(), op.dy.c), 1);
}

template <>
void run(const Queue& queue, const BatchNormStatistics& op, Workspace workspace) {
  with_type(op.name, op.x.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const Moments<T, wide.value> f{.x = input_pixels<T>(op.x),
                                         .origin = op.x.pixels() / 3,
                                         .share = 1.0 / static_cast<double>(op.x.pixels()),
                                         .mean = op.mean,
                                         .var = op.var};
          column_sums<2>(queue, op.name, f, columns_of(queue, op.x.pixels(), op.x.c), workspace);
        },
        op.x);
  });
}

template <>
void run(const Queue& queue, const BatchNormBackwardReduce& op, Workspace workspace) {
  with_type(op.name, op.dy.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const Gradients<T, wide.value> f{.dy = input_pixels<T>(op.dy),
                                           .x = input_pixels<T>(op.x),
                                           .mean = op.mean,
                                           .var = op.var,
                                           .mask = op.relu_mask,
                                           .mask_pitch = (op.dy.c + 7) / 8,
                                           .eps = op.spec.eps,
                                           .sum_g = op.sum_g,
                                           .sum_g_xhat = op.sum_g_xhat};
          column_sums<2>(queue, op.name, f, columns_of(queue, op.dy.pixels(), op.dy.c), workspace);
        },
        op.dy, op.x);
  });
}

template <>
void run(const Queue& queue, const BiasBackward& op, Workspace workspace) {
  with_type(op.name, op.dy.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const Bias<T, wide.value> f{input_pixels<T>(op.dy), op.dbias, op.into};
          column_sums<1>(queue, op.name, f, columns_of(queue, op.dy.pixels(), op.dy.c), workspace);
        },
        op.dy);
  });
}

}  // namespace thaw::cuda
