// Pictures of every format: an Error or an image whose pixels have the size it says.
#include <cstdint>
#include <cstdlib>

#include "io/picture/image.h"
#include "kernels/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  thaw::ImageLimits limits;
  limits.pixels = 1 << 20;
  limits.jpeg_scans = 20;
  for (const int channels : {1, 3}) {
    try {
      const thaw::Image image = thaw::decode_image({data, size}, channels, "fuzz", limits);
      const auto pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
      if (image.channels != channels || image.pixels.size() != pixels * static_cast<std::size_t>(channels))
        std::abort();
      if (image.width > limits.side || image.height > limits.side ||
          static_cast<std::int64_t>(pixels) > limits.pixels)
        std::abort();
    } catch (const thaw::Error&) {
    }
  }
  return 0;
}
