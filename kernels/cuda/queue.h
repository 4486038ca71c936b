// Where work is queued, and CUDA's errors by name. For host code as well as for .cu files.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "kernels/error.h"

namespace thaw::cuda {

// The backend's one stream, and how many multiprocessors its device has.
struct Queue {
  cudaStream_t stream = nullptr;
  unsigned multiprocessors = 1;
};

inline void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw Error(std::string("cuda: ") + what + ": " + cudaGetErrorString(error));
}

}  // namespace thaw::cuda
