// How the ops of kernels/op_list.h are queued: run() is specialised for each in the file of its family, which
// may ask for a workspace. Convolutions and matrix products are those of conv2d.h and linear.h.
#pragma once

#include <cstddef>

#include "kernels/cuda/queue.h"
#include "kernels/op_list.h"

namespace thaw::cuda {

// Device memory that an op may overwrite while it runs, aligned to 16.
struct Workspace {
  void* data = nullptr;
  std::size_t bytes = 0;
};

// Queues `op`, whose check() has passed. Every pointer is device memory, but for `segments`, which may change
// on return. A missing specialisation is named by the linker.
template <class Op>
void run(const Queue& queue, const Op& op, Workspace workspace = {});

// Bytes of workspace that run() wants.
template <class Op>
std::size_t workspace_bytes(const Queue&, const Op&) {
  return 0;
}
std::size_t workspace_bytes(const Queue& queue, const BiasBackward& op);
std::size_t workspace_bytes(const Queue& queue, const BatchNormStatistics& op);
std::size_t workspace_bytes(const Queue& queue, const BatchNormBackwardReduce& op);
std::size_t workspace_bytes(const Queue& queue, const NormReluPoolBackwardReduce& op);
std::size_t workspace_bytes(const Queue& queue, const GradientNorm& op);

}  // namespace thaw::cuda
