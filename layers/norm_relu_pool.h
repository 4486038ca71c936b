// BatchNorm + ReLU + max-pooling as one node, the stem of ResNet and DenseNet.
#pragma once

#include "layers/batch_norm.h"
#include "layers/pool2d.h"

namespace thaw {

// y = max_pool2d(relu(batch_norm(x))), x [N, C, H, W]. What lies between is never in memory: besides x, which
// only statistics of the batch and trainable parameters need, a byte per value of y is saved, and nothing
// where no gradient is wanted. Gradients: dx accumulates, dgamma and dbeta go to the parameters. Throws as
// pass_statistics.
Variable norm_relu_pool(const Variable& x, BatchNorm2d& bn, const Pool2dSpec& pool, Mode mode);

}  // namespace thaw
