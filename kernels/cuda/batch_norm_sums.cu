// The sums over pixels that BatchNorm and biases need.
#include "kernels/cuda/batch_norm.h"
#include "kernels/cuda/reduce.h"

namespace thaw::cuda {
namespace {

// Loads in flight of a thread: 128 bytes. By value, a load takes an instruction each.
template <class T, bool Wide>
constexpr int loads_in_flight = Wide ? 128 / (octet * int{sizeof(T)}) : 2;
constexpr int pixels_of_a_run = 16;

// Sums of d and d^2, d = x - shift, where shift is one of the channel's own values: what the variance loses
// beside a large mean is then bounded by the spread of the values.
template <class T, bool Wide>
struct Moments {
  static constexpr int in_flight = loads_in_flight<T, Wide>;
  static constexpr int run_length = pixels_of_a_run;
  using Fetched = RawOctet<T>;
  Pixels<const T> x;
  std::int64_t origin;
  double share;  // 1 / pixels
  float *mean, *var;
  RunningStatistics running;
  float unbias;

  __device__ Fetched constants(const Place& at) const { return fetch(origin, at); }
  __device__ Fetched fetch(std::int64_t pixel, const Place& at) const {
    return load_raw<Wide>(x.data + pixel * x.pitch + at.channel, at.count);
  }
  __device__ void add(const Fetched& shift, const Fetched& in, float (&run)[2][octet]) const {
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      const float d = in[k] - shift[k];
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
    if (running.mean != nullptr) move(running, channel, mean[channel], var[channel], unbias);
  }
};

// Sums of g and g * (x - mean); mask is read where it is Masked.
template <class T, bool Wide, bool Masked>
struct Gradients {
  static constexpr int in_flight = loads_in_flight<T, Wide> / 2;
  static constexpr int run_length = pixels_of_a_run;
  struct Fetched {
    RawOctet<T> g, x;
    unsigned bits;
  };
  Pixels<const T> dy, x;
  const float *mean, *var;
  const std::uint8_t* mask;
  std::int64_t mask_pitch;
  float eps;
  GradientOutputs to;

  __device__ Means constants(const Place& at) const { return means_of(mean, at); }
  __device__ Fetched fetch(std::int64_t pixel, const Place& at) const {
    return {load_raw<Wide>(dy.data + pixel * dy.pitch + at.channel, at.count),
            load_raw<Wide>(x.data + pixel * x.pitch + at.channel, at.count),
            Masked ? mask[pixel * mask_pitch + at.channel / octet] : 0xffu};
  }
  __device__ void add(const Means& m, const Fetched& in, float (&run)[2][octet]) const {
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      const bool passes = (in.bits >> k & 1) != 0;
      run[0][k] += passes ? in.g[k] : 0.0f;
      run[1][k] += passes ? in.g[k] * (in.x[k] - m.v[k]) : 0.0f;
    }
  }
  __device__ void finish(std::int64_t channel, const double (&sums)[2]) const {
    to.give(channel, static_cast<float>(sums[0]),
            static_cast<float>(sums[1]) * inverse_deviation(var[channel], eps));
  }
};

template <class T, bool Wide>
struct Bias {
  static constexpr int in_flight = loads_in_flight<T, Wide>;
  static constexpr int run_length = pixels_of_a_run;
  using Fetched = RawOctet<T>;
  Pixels<const T> dy;
  float* dbias;
  Into into;

  __device__ int constants(const Place&) const { return 0; }
  __device__ Fetched fetch(std::int64_t pixel, const Place& at) const {
    return load_raw<Wide>(dy.data + pixel * dy.pitch + at.channel, at.count);
  }
  __device__ void add(int, const Fetched& g, float (&run)[1][octet]) const {
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
  return most_column_sums_bytes(queue, op.x.pixels(), op.x.c, 2);
}

std::size_t workspace_bytes(const Queue& queue, const BatchNormBackwardReduce& op) {
  return most_column_sums_bytes(queue, op.x.pixels(), op.x.c, 2);
}

std::size_t workspace_bytes(const Queue& queue, const BiasBackward& op) {
  return most_column_sums_bytes(queue, op.dy.pixels(), op.dy.c, 1);
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
                                         .var = op.var,
                                         .running = op.running,
                                         .unbias = unbiasing(op.x.pixels())};
          column_sums<2>(queue, op.name, f, sum_columns(queue, op.x.pixels(), op.x.c, f.in_flight),
                         workspace);
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
          const auto sum = [&](auto masked) {
            const Gradients<T, wide.value, masked.value> f{
                .dy = input_pixels<T>(op.dy),
                .x = input_pixels<T>(op.x),
                .mean = op.mean,
                .var = op.var,
                .mask = op.relu_mask,
                .mask_pitch = (op.dy.c + 7) / 8,
                .eps = op.spec.eps,
                .to = {op.sum_g, op.sum_g_xhat, op.dgamma, op.dbeta}};
            column_sums<2>(queue, op.name, f, sum_columns(queue, op.dy.pixels(), op.dy.c, f.in_flight),
                           workspace);
          };
          if (op.relu_mask != nullptr)
            sum(std::true_type{});
          else
            sum(std::false_type{});
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
          column_sums<1>(queue, op.name, f, sum_columns(queue, op.dy.pixels(), op.dy.c, f.in_flight),
                         workspace);
        },
        op.dy);
  });
}

}  // namespace thaw::cuda
