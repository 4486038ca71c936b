// BatchNorm on plain Tensors: what the nodes that hold one share (batch_norm, norm_relu_pool, dense_block).
#pragma once

#include "layers/batch_norm.h"

namespace thaw {

// What a pass in `mode` normalises x [N, C, ...] by: the batch's statistics (`known`; null: computed here),
// towards which the running ones move, or the running ones themselves. Throws Error where x has other
// channels than bn, or a single value per channel and the batch's statistics are wanted.
BatchStatistics pass_statistics(const Tensor& x, BatchNorm2d& bn, Mode mode,
                                const BatchStatistics* known = nullptr);

// Where the gradients of gamma and beta go; null where none is wanted.
struct NormGradients {
  ChannelGradient gamma{}, beta{};
};

// Those of bn's parameters that a pass in `mode` wants. Marks them as given.
NormGradients norm_gradients(BatchNorm2d& bn, Mode mode);

// The sums of a gradient over pixels, f32 [C], as BatchNormBackwardReduce's.
struct NormSums {
  Tensor g, g_xhat;
};

// One BatchNorm with what it normalises by, [C] each; whoever makes it keeps the tensors. Shapes and formulas
// are those of the ops in kernels/ops/batch_norm.h. A mask that is null is not wanted, or was not taken.
struct NormPass {
  BatchNormSpec spec;
  const float *mean, *var, *gamma, *beta = nullptr;

  // y = act(norm(x) + residual), ASSIGNS; residual may be undefined.
  void forward(const Tensor& x, const Tensor& residual, const Tensor& y, std::uint8_t* mask) const;
  // Gives the parameters their gradients, too.
  NormSums sums(const Tensor& dy, const Tensor& x, const std::uint8_t* mask,
                const NormGradients& gradients = {}) const;
  // `sums`: null where the statistics were constants; x may be undefined then. dx and dresidual may be
  // undefined: not wanted. dx is assigned or added to, dresidual assigned; each may be dy.
  void backward(const Tensor& dy, const Tensor& x, const std::uint8_t* mask, const NormSums* sums,
                const Tensor& dx, Into into = Into::assign, const Tensor& dresidual = {}) const;
};

NormPass norm_pass(const BatchNorm2d& bn, Activation activation, const BatchStatistics& statistics);

}  // namespace thaw
