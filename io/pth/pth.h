// PyTorch's own files. The reader is a restricted unpickler: no name in a file is ever imported or called.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "io/file/read_options.h"
#include "tensor/state_dict.h"

namespace thaw {

struct PthFile {
  StateDict tensors;               // host memory; rank 4 channels-last; names after unwrapping
  std::vector<std::string> notes;  // what was unwrapped, stripped, converted or overlooked
  std::string container;           // "zip" or "legacy"
};

// Throws Error as io/weights/weights.h says. `bytes` is a whole file; `name` stands for it in messages.
PthFile read_pth(const std::string& path, const ReadOptions& options = {});
PthFile read_pth(std::span<const std::byte> bytes, const std::string& name, const ReadOptions& options = {});

// Writes an OrderedDict of tensors as a zip container that torch.load(path, weights_only=True) accepts: every
// tensor contiguous in PyTorch's order with a storage of its own. Equal input gives equal bytes. Crash-safe
// (io/file/atomic.h).
void write_pth(const std::string& path, const StateDict& tensors);
std::string pth_bytes(const StateDict& tensors);

}  // namespace thaw
