// PyTorch files, both containers: whatever the bytes, an Error or tensors that survive being written and read
// again.
#include <cstdint>
#include <cstdlib>

#include "io/file/text.h"
#include "io/pth/pth.h"
#include "kernels/error.h"
#include "tests/fuzz/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const thaw::ReadOptions options = thaw::fuzz::small_limits();
  thaw::PthFile file;
  try {
    file = thaw::read_pth({reinterpret_cast<const std::byte*>(data), size}, "fuzz", options);
  } catch (const thaw::Error&) {
    return 0;
  }
  // What was accepted must be writable and come back bit for bit: an Error from here on is a defect.
  const std::string bytes = thaw::pth_bytes(file.tensors);
  const thaw::PthFile back = thaw::read_pth(thaw::as_byte_span(bytes), "fuzz", options);
  if (thaw::pth_bytes(back.tensors) != bytes) std::abort();
  return 0;
}
