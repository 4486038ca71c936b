// BatchNorm in four ops (Ioffe & Szegedy 2015): statistics; apply (+ residual + ReLU); backward reduce;
// backward apply. Statistics, gamma, beta and the sums are [channels].
#pragma once

#include <cmath>

#include "kernels/ops/batch_norm.h"
#include "kernels/reference/floats.h"

namespace thaw::reference {

// What belongs to a channel, [channels] each.
template <class T>
struct NormParameters {
  const T* mean;
  const T* var;
  const T* gamma = nullptr;
  const T* beta = nullptr;
};

inline bool mask_bit(const std::uint8_t* mask, Index channels, Index pixel, Index c) {
  return (mask[pixel * ((channels + 7) / 8) + c / 8] >> (c % 8) & 1) != 0;
}

template <class T>
double inverse_deviation(const BatchNormSpec& s, T var) {
  return 1.0 / std::sqrt(static_cast<double>(var) + static_cast<double>(s.eps));
}

// Two passes: the difference of two large sums would lose a small variance beside a large mean.
template <class T>
void batch_norm_statistics(Image<const T> x, T* mean, T* var) {
  const auto count = static_cast<double>(x.pixels());
  for (Index c = 0; c < x.c; ++c) {
    double sum = 0.0, squares = 0.0;
    for (Index p = 0; p < x.pixels(); ++p) sum += static_cast<double>(x.pixel(p)[c]);
    const double m = sum / count;
    for (Index p = 0; p < x.pixels(); ++p) {
      const double d = static_cast<double>(x.pixel(p)[c]) - m;
      squares += d * d;
    }
    mean[c] = static_cast<T>(m);
    var[c] = static_cast<T>(squares / count);
  }
}

template <class T>
void batch_norm_running(const T* mean, const T* var, Index channels, Index pixels, T momentum,
                        T* running_mean, T* running_var) {
  const T scale = static_cast<T>(pixels) / static_cast<T>(pixels - 1);
  for (Index c = 0; c < channels; ++c) {
    running_mean[c] += momentum * (mean[c] - running_mean[c]);
    running_var[c] += momentum * (scale * var[c] - running_var[c]);
  }
}

template <class T>
void batch_norm_apply(const BatchNormSpec& s, Image<const T> x, const NormParameters<T>& norm,
                      Image<const T> residual, Image<T> y, std::uint8_t* relu_mask) {
  const Index row = (x.c + 7) / 8;
  for (Index p = 0; p < x.pixels(); ++p) {
    if (relu_mask != nullptr) {
      for (Index b = 0; b < row; ++b) relu_mask[p * row + b] = 0;
    }
    for (Index c = 0; c < x.c; ++c) {
      const double d = static_cast<double>(x.pixel(p)[c]) - static_cast<double>(norm.mean[c]);
      double v = d * inverse_deviation(s, norm.var[c]) * static_cast<double>(norm.gamma[c]) +
                 static_cast<double>(norm.beta[c]);
      if (residual) v += static_cast<double>(residual.pixel(p)[c]);
      if (relu_mask != nullptr && v > 0.0)
        relu_mask[p * row + c / 8] |= static_cast<std::uint8_t>(1 << c % 8);
      y.pixel(p)[c] = static_cast<T>(s.activation == Activation::relu ? relu(v) : v);
    }
  }
}

template <class T>
void batch_norm_backward_reduce(const BatchNormSpec& s, Image<const T> dy, Image<const T> x,
                                const NormParameters<T>& norm, const std::uint8_t* relu_mask, T* sum_g,
                                T* sum_g_xhat) {
  for (Index c = 0; c < dy.c; ++c) {
    double g_total = 0.0, gx_total = 0.0;
    for (Index p = 0; p < dy.pixels(); ++p) {
      if (relu_mask != nullptr && !mask_bit(relu_mask, dy.c, p, c)) continue;
      const auto g = static_cast<double>(dy.pixel(p)[c]);
      g_total += g;
      gx_total += g * (static_cast<double>(x.pixel(p)[c]) - static_cast<double>(norm.mean[c]));
    }
    sum_g[c] = static_cast<T>(g_total);
    sum_g_xhat[c] = static_cast<T>(gx_total * inverse_deviation(s, norm.var[c]));
  }
}

template <class T>
void batch_norm_backward_apply(const BatchNormSpec& s, Image<const T> dy, Image<const T> x,
                               const NormParameters<T>& norm, const std::uint8_t* relu_mask, const T* sum_g,
                               const T* sum_g_xhat, Image<T> dx, Into into, Image<T> dresidual) {
  const auto count = static_cast<double>(dy.pixels());
  for (Index p = 0; p < dy.pixels(); ++p) {
    for (Index c = 0; c < dy.c; ++c) {
      const bool passes = relu_mask == nullptr || mask_bit(relu_mask, dy.c, p, c);
      const T g = passes ? dy.pixel(p)[c] : T(0);
      const double inverse = inverse_deviation(s, norm.var[c]);
      auto v = static_cast<double>(g);
      if (sum_g != nullptr) {
        const double xhat =
            (static_cast<double>(x.pixel(p)[c]) - static_cast<double>(norm.mean[c])) * inverse;
        v -= (static_cast<double>(sum_g[c]) + xhat * static_cast<double>(sum_g_xhat[c])) / count;
      }
      if (dresidual) dresidual.pixel(p)[c] = g;
      if (dx) put(dx.pixel(p)[c], static_cast<double>(norm.gamma[c]) * inverse * v, into);
    }
  }
}

inline void run(const BatchNormRunning& op) {
  batch_norm_running(op.mean, op.var, op.channels, op.pixels, op.running.momentum, op.running.mean,
                     op.running.var);
}

inline void run(const BatchNormStatistics& op) {
  batch_norm_statistics<float>(Input(op.x), op.mean, op.var);
  if (op.running.mean != nullptr) run(BatchNormRunning{op.mean, op.var, op.x.c, op.x.pixels(), op.running});
}

inline void run(const BatchNormApply& op) {
  batch_norm_apply<float>(op.spec, Input(op.x),
                          {.mean = op.mean, .var = op.var, .gamma = op.gamma, .beta = op.beta},
                          Input(op.residual), Output(op.y), op.relu_mask);
}

inline void give(const float* sums, Index channels, const ChannelGradient& gradient) {
  if (gradient.data == nullptr) return;
  for (Index c = 0; c < channels; ++c) put(gradient.data[c], static_cast<double>(sums[c]), gradient.into);
}

inline void run(const BatchNormBackwardReduce& op) {
  batch_norm_backward_reduce<float>(op.spec, Input(op.dy), Input(op.x), {.mean = op.mean, .var = op.var},
                                    op.relu_mask, op.sum_g, op.sum_g_xhat);
  give(op.sum_g_xhat, op.dy.c, op.dgamma);
  give(op.sum_g, op.dy.c, op.dbeta);
}

inline void run(const BatchNormBackwardApply& op) {
  batch_norm_backward_apply<float>(op.spec, Input(op.dy), Input(op.x),
                                   {.mean = op.mean, .var = op.var, .gamma = op.gamma}, op.relu_mask,
                                   op.sum_g, op.sum_g_xhat, Output(op.dx), op.into, Output(op.dresidual));
}

}  // namespace thaw::reference
