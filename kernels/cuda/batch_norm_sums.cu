// The sums over pixels that BatchNorm and biases need.
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
  }
};

struct Means {
  float v[octet];
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
  float *sum_g, *sum_g_xhat;

  __device__ Means constants(const Place& at) const {
    Means m;
    load_channels(m.v, mean + at.channel, at.count);
    return m;
  }
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
    sum_g[channel] = static_cast<float>(sums[0]);
    sum_g_xhat[channel] = static_cast<float>(sums[1]) * (1.0f / sqrtf(var[channel] + eps));
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

std::size_t column_sums_bytes(const Queue& queue, const ConstView& view) {
  const Columns shape = sum_columns(queue, view.pixels(), view.c, 1);  // no sums have more parts
  return static_cast<std::size_t>(std::int64_t{shape.parts} * 2 * shape.channels) * sizeof(double);
}

void batch_norm_statistics(const Queue& queue, ConstView x, float* mean, float* var, Workspace workspace) {
  const char* op = "batch_norm_statistics";
  require(x.pixels() > 0, op, "no pixels; the batch is empty");
  with_type(op, x.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const Moments<T, wide.value> f{input_pixels<T>(x), x.pixels() / 3,
                                         1.0 / static_cast<double>(x.pixels()), mean, var};
          column_sums<2>(queue, op, f, sum_columns(queue, x.pixels(), x.c, f.in_flight), workspace);
        },
        x);
  });
}

void batch_norm_backward_reduce(const Queue& queue, const BatchNormSpec& spec, ConstView dy, ConstView x,
                                const float* mean, const float* var, const std::uint8_t* relu_mask,
                                float* sum_g, float* sum_g_xhat, Workspace workspace) {
  const char* op = "batch_norm_backward_reduce";
  same_shape(op, dy, x);
  same_type(op, dy, x);
  with_type(op, dy.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const auto sum = [&](auto masked) {
            const Gradients<T, wide.value, masked.value> f{
                input_pixels<T>(dy), input_pixels<T>(x), mean,  var,       relu_mask,
                (dy.c + 7) / 8,      spec.eps,           sum_g, sum_g_xhat};
            column_sums<2>(queue, op, f, sum_columns(queue, dy.pixels(), dy.c, f.in_flight), workspace);
          };
          if (relu_mask != nullptr)
            sum(std::true_type{});
          else
            sum(std::false_type{});
        },
        dy, x);
  });
}

void bias_backward(const Queue& queue, ConstView dy, float* dbias, Into into, Workspace workspace) {
  with_type("bias_backward", dy.type, [&](auto type) {
    using T = decltype(type);
    with_width(
        [&](auto wide) {
          const Bias<T, wide.value> f{input_pixels<T>(dy), dbias, into};
          column_sums<1>(queue, "bias_backward", f, sum_columns(queue, dy.pixels(), dy.c, f.in_flight),
                         workspace);
        },
        dy);
  });
}

}  // namespace thaw::cuda
