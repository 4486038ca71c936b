// BatchNorm + ReLU + max-pooling: what the three ops give one after the other.
#pragma once

#include "kernels/ops/norm_relu_pool.h"
#include "kernels/reference/batch_norm.h"
#include "kernels/reference/pool2d.h"

namespace thaw::reference {

template <class T>
void norm_relu_pool_forward(const BatchNormSpec& norm, const Pool2dSpec& pool, Image<const T> x,
                            const NormParameters<T>& parameters, Image<T> y, std::uint8_t* index) {
  std::vector<T> values(static_cast<std::size_t>(x.pixels() * x.c));
  const Image<T> active{values.data(), x.n, x.h, x.w, x.c, x.c};
  batch_norm_apply<T>({.eps = norm.eps, .activation = Activation::relu}, x, parameters, {}, active, nullptr);
  max_pool2d_forward<T>(pool, active, y, index);
  for (Index p = 0; index != nullptr && p < y.pixels(); ++p) {
    for (Index c = 0; c < y.c; ++c) {
      if (y.pixel(p)[c] <= T(0)) index[p * y.c + c] = no_winner;
    }
  }
}

template <class T>
void norm_relu_pool_backward_reduce(const BatchNormSpec& norm, const Pool2dSpec& pool, Image<const T> dy,
                                    const std::uint8_t* index, Image<const T> x,
                                    const NormParameters<T>& parameters, T* sum_g, T* sum_g_xhat) {
  std::vector<T> values(static_cast<std::size_t>(x.pixels() * x.c));
  const Image<T> g{values.data(), x.n, x.h, x.w, x.c, x.c};
  max_pool2d_backward<T>(pool, dy, index, g);
  batch_norm_backward_reduce<T>(norm, g, x, parameters, nullptr, sum_g, sum_g_xhat);
}

template <class T>
void norm_relu_pool_backward_apply(const BatchNormSpec& norm, const Pool2dSpec& pool, Image<const T> dy,
                                   const std::uint8_t* index, Image<const T> x,
                                   const NormParameters<T>& parameters, const T* sum_g, const T* sum_g_xhat,
                                   Image<T> dx) {
  max_pool2d_backward<T>(pool, dy, index, dx);
  batch_norm_backward_apply<T>(norm, dx, x, parameters, nullptr, sum_g, sum_g_xhat, dx, Into::assign, {});
}

inline void run(const NormReluPoolForward& op) {
  norm_relu_pool_forward<float>(op.norm, op.pool, Input(op.x),
                                {.mean = op.mean, .var = op.var, .gamma = op.gamma, .beta = op.beta},
                                Output(op.y), op.index);
}

inline void run(const NormReluPoolBackwardReduce& op) {
  norm_relu_pool_backward_reduce<float>(op.norm, op.pool, Input(op.dy), op.index, Input(op.x),
                                        {.mean = op.mean, .var = op.var}, op.sum_g, op.sum_g_xhat);
  give(op.sum_g_xhat, op.x.c, op.dgamma);
  give(op.sum_g, op.x.c, op.dbeta);
}

inline void run(const NormReluPoolBackwardApply& op) {
  norm_relu_pool_backward_apply<float>(op.norm, op.pool, Input(op.dy), op.index, Input(op.x),
                                       {.mean = op.mean, .var = op.var, .gamma = op.gamma}, op.sum_g,
                                       op.sum_g_xhat, Output(op.dx));
}

}  // namespace thaw::reference
