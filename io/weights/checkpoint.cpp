#include "io/weights/checkpoint.h"

#include "io/file/atomic.h"
#include "io/file/bytes.h"
#include "io/file/text.h"
#include "io/weights/checkpoint_seal.h"
#include "io/weights/safetensors.h"
#include "kernels/error.h"

namespace thaw {

void write_checkpoint(const std::string& path, const StateDict& tensors, const std::string& json) {
  const SafetensorsMetadata metadata = {{checkpoint_json_key, json},
                                        {checkpoint_hash_key, std::string(64, '0')}};
  std::string bytes = safetensors_bytes(tensors, metadata);
  seal_checkpoint(bytes);
  write_file_atomically(path, bytes);
}

Checkpoint read_checkpoint(std::span<const std::byte> bytes, const std::string& name,
                           const ReadLimits& limits) {
  const std::string file = printable(name);
  ReadOptions options;
  options.convert_floats = false;
  options.allow_nonfinite = true;
  options.limits = limits;
  SafetensorsFile read = read_safetensors(bytes, name, options);
  const auto json = read.metadata.find(checkpoint_json_key);
  if (json == read.metadata.end())
    throw Error(file + ": is a safetensors file, but no checkpoint Thaw wrote (no '" +
                std::string(checkpoint_json_key) + "' in its metadata)");
  check_checkpoint_seal(bytes, read.metadata, file);
  return {std::move(read.tensors), std::move(json->second)};
}

Checkpoint read_checkpoint(const std::string& path, const ReadLimits& limits) {
  const FileBytes file(path, limits.file_bytes);
  return read_checkpoint(file.bytes(), path, limits);
}

}  // namespace thaw
