// The ops of kernels/backend.h on CUDA, each a function over a queue; CudaBackend only forwards to them.
#pragma once

#include "kernels/cuda/queue.h"
#include "kernels/specs.h"

namespace thaw::cuda {

void relu_forward(const Queue& queue, ConstView x, View y);
void relu_backward(const Queue& queue, ConstView dy, ConstView y, View dx);

void copy(const Queue& queue, ConstView x, View y, Into into);
void add(const Queue& queue, ConstView a, ConstView b, View y);

}  // namespace thaw::cuda
