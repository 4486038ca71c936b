// Convolution + BatchNorm (+ residual) (+ ReLU), the building stone of ResNet, with a trainable and a folded
// path.
#pragma once

#include "layers/batch_norm.h"
#include "layers/conv2d.h"

namespace thaw {

// Whether a pass in `mode` folds bn into conv: neither wants a gradient, and bn uses its running statistics.
bool folds(const Conv2d& conv, const BatchNorm2d& bn, Mode mode);

// y = act(bn(conv(x)) + residual); residual may be undefined. Where bn folds into the convolution (weight *
// s, bias beta - mean * s, s = gamma / sqrt(var + eps)) this is one op, nothing saved but a ReLU output, and
// that only where something nearer the input wants a gradient.
Variable conv_bn_act(const Variable& x, Conv2d& conv, BatchNorm2d& bn, const Variable& residual,
                     Activation activation, Mode mode);

// The weights and bias of `conv` with `bn` and its running statistics folded in, in `type`; kept in
// conv.folded, and computed anew, where they lie, when a value that they were made from has changed: a
// recorded step reads them there.
const FoldedWeights& folded_weights(Backend& backend, Conv2d& conv, const BatchNorm2d& bn, DType type);

}  // namespace thaw
