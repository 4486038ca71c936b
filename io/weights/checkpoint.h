// Thaw's checkpoints: a safetensors file with one opaque JSON object under the __metadata__ key "thaw" and
// the SHA-256 of the whole file under "thaw_sha256" (its own 64 digits counted as '0').
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "io/file/read_options.h"
#include "tensor/state_dict.h"

namespace thaw {

struct Checkpoint {
  StateDict tensors;  // types exactly as written; in file order (by item size, then by name)
  std::string json;   // exactly the text that was written
};

// Crash-safe: whatever happens, `path` holds the old file or the whole new one (io/file/atomic.h). Equal
// input gives equal bytes. `json` must be valid UTF-8. Throws Error when the file cannot be written.
void write_checkpoint(const std::string& path, const StateDict& tensors, const std::string& json);

// Throws Error when the file is not a checkpoint of Thaw's or any bit of it changed. Non-finite values are
// let through: a training state may hold them.
Checkpoint read_checkpoint(const std::string& path, const ReadLimits& limits = {});
Checkpoint read_checkpoint(std::span<const std::byte> bytes, const std::string& name,
                           const ReadLimits& limits = {});

}  // namespace thaw
