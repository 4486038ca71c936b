// Checkpoints. The checksum turns almost every input away, so the input is also read without it, as plain
// safetensors.
#include <cstdint>
#include <cstdlib>

#include "io/file/text.h"
#include "io/weights/checkpoint.h"
#include "io/weights/checkpoint_seal.h"
#include "kernels/error.h"
#include "tests/fuzz/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const thaw::ReadOptions options = thaw::fuzz::small_limits();
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    thaw::read_checkpoint(bytes, "fuzz", options.limits);
  } catch (const thaw::Error&) {
  }
  thaw::SafetensorsFile file;
  try {
    file = thaw::read_safetensors(bytes, "fuzz", options);
  } catch (const thaw::Error&) {
    return 0;
  }
  if (!file.metadata.contains(thaw::checkpoint_json_key)) return 0;
  // The same content sealed anew must read.
  file.metadata[thaw::checkpoint_hash_key] = std::string(64, '0');
  std::string sealed = thaw::safetensors_bytes(file.tensors, file.metadata);
  thaw::seal_checkpoint(sealed);
  const thaw::Checkpoint back = thaw::read_checkpoint(thaw::as_byte_span(sealed), "fuzz", options.limits);
  if (back.json != file.metadata.at(thaw::checkpoint_json_key)) std::abort();
  return 0;
}
