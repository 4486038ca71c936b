// Safetensors: whatever the bytes, an Error or tensors that survive being written and read again.
#include <cstdint>
#include <cstdlib>

#include "io/file/text.h"
#include "io/weights/safetensors.h"
#include "kernels/error.h"
#include "tests/fuzz/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const thaw::ReadOptions options = thaw::fuzz::small_limits();
  thaw::SafetensorsFile file;
  try {
    file = thaw::read_safetensors({reinterpret_cast<const std::byte*>(data), size}, "fuzz", options);
  } catch (const thaw::Error&) {
    return 0;
  }
  const std::string bytes = thaw::safetensors_bytes(file.tensors, file.metadata);
  const thaw::SafetensorsFile back = thaw::read_safetensors(thaw::as_byte_span(bytes), "fuzz", options);
  if (thaw::safetensors_bytes(back.tensors, back.metadata) != bytes) std::abort();
  return 0;
}
