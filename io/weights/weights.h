// Reads weights from any file Thaw knows. The content decides what a file is, never its name's extension.
#pragma once

#include <string>
#include <vector>

#include "io/file/read_options.h"
#include "tensor/state_dict.h"

namespace thaw {

struct LoadedWeights {
  StateDict tensors;               // host memory; rank 4 channels-last; names after unwrapping (see notes)
  std::string metadata;            // the JSON text of a checkpoint Thaw wrote; empty for files of others
  std::vector<std::string> notes;  // what was unwrapped, stripped, converted or overlooked, one sentence each
  std::string format;              // "pth (zip)", "pth (legacy)", "safetensors" or "thaw checkpoint"
};

// Accepts PyTorch files (zip and legacy container) and safetensors. Notes:
//  - a wrapper key (state_dict, model, model_state_dict, net, state_dict_ema, model_ema) is opened and
//  reported;
//  - a prefix "module." or "_orig_mod." is stripped only where every name carries it;
//  - sha256 digits in the file name ("-12fca82f.th") are verified.
// Throws Error for everything else, naming what the file is (Git LFS pointer, HTML page, TorchScript, tar,
// pickled module, empty, directory, FIFO, truncated ...) and what to do. Nothing is returned from a file that
// is broken anywhere.
LoadedWeights read_weights(const std::string& path, const ReadOptions& options = {});

}  // namespace thaw
