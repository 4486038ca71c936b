// Times a DenseNet block in both forms (layers/dense_block.h).
#pragma once

#include <cstdint>

#include "kernels/backend.h"
#include "layers/dense_block.h"

namespace thaw::bench {

struct DenseOptions {
  std::int64_t in, growth, layers, size;  // channels that enter, channels per layer, layers, side of the maps
  std::int64_t batch = 16;
  DType type = DType::f32;
  int repeats = 5;
};

struct DenseTimes {
  double seconds = 0.0;        // forward and backward, all gradients, batch statistics
  std::size_t peak_bytes = 0;  // memory of the device, weights included
};

DenseTimes time_dense_block(Backend& backend, const DenseOptions& options, DenseForm form);

}  // namespace thaw::bench
