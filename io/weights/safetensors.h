// The safetensors format: u64 header length, JSON header, tensors without gaps in little-endian C order.
// Source of the rules: huggingface/safetensors, README and src/tensor.rs (validate()).
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/file/read_options.h"
#include "tensor/state_dict.h"

namespace thaw {

using SafetensorsMetadata = std::map<std::string, std::string>;

struct SafetensorsFile {
  StateDict tensors;  // in order of their place in the file; host memory; rank 4 channels-last
  SafetensorsMetadata metadata;
  std::vector<std::string> notes;
};

// Throws Error naming the rule a file breaks: header not JSON or not UTF-8, duplicate keys, holes, overlaps,
// bytes left over, shape and size that disagree, unknown dtype, BOOL other than 0 and 1.
SafetensorsFile read_safetensors(const std::string& path, const ReadOptions& options = {});
SafetensorsFile read_safetensors(std::span<const std::byte> bytes, const std::string& name,
                                 const ReadOptions& options = {});

// Tensors are laid out by falling item size, then by name; the header is padded to 8 bytes. Equal input gives
// equal bytes. The path version is crash-safe (io/file/atomic.h).
void write_safetensors(const std::string& path, const StateDict& tensors,
                       const SafetensorsMetadata& metadata = {});
std::string safetensors_bytes(const StateDict& tensors, const SafetensorsMetadata& metadata = {});

}  // namespace thaw
