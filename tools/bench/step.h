// Times whole training steps (recorded and replayed, as train does) and inference of a network on random
// pictures, with no data loading. A step begins with u8 pictures in page-locked memory, as that of the peer
// in tests/gpu_parts does: the device fetches them within the step. (train copies each batch into such memory
// itself, and has it fetched while the device is at the step before.)
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "kernels/backend.h"
#include "layers/dense_block.h"
#include "models/network.h"

namespace thaw::bench {

struct StepOptions {
  std::string model;
  NetworkOptions network = {};
  std::string freeze = "none";  // see models/freeze/plan.h
  std::int64_t batch = 16, input_size = 224;
  DType type = DType::f32;
  int repeats = 5;
  DenseForm dense_form = DenseForm::slices;  // of DenseNet's blocks
  std::string task = "both";                 // "train", "inference", or both in this order
};

struct StepTimes {
  double train_seconds = 0.0, inference_seconds = 0.0;         // medians of one batch
  std::size_t train_peak_bytes = 0, inference_peak_bytes = 0;  // memory of the device, weights included
};

// Told what was measured as soon as it is known. task: "train" or "inference".
using StepAnswer = std::function<void(const std::string& task, double seconds, std::size_t peak_bytes)>;

// SGD with momentum; cross-entropy, of one logit the binary one; batch statistics where the plan trains.
StepTimes time_steps(Backend& backend, const StepOptions& options, const StepAnswer& answer = {});

}  // namespace thaw::bench
