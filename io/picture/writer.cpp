#include "io/picture/writer.h"

#include <fstream>
#include <memory>

#include "kernels/error.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace thaw {

std::vector<std::uint8_t> encode_png(const Image& image) {
  const std::size_t size = static_cast<std::size_t>(image.width) * image.height * image.channels;
  if (image.width <= 0 || image.height <= 0 || (image.channels != 1 && image.channels != 3) ||
      image.pixels.size() != size) {
    throw Error("the picture to write has no valid size");
  }
  struct Free {
    void operator()(unsigned char* bytes) const { STBIW_FREE(bytes); }
  };
  int length = 0;
  const std::unique_ptr<unsigned char, Free> png(stbi_write_png_to_mem(
      image.pixels.data(), image.width * image.channels, image.width, image.height, image.channels, &length));
  if (!png) throw Error("not enough memory to encode the picture");
  return {png.get(), png.get() + length};
}

void write_png(const std::string& path, const Image& image) {
  const std::vector<std::uint8_t> png = encode_png(image);
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
  file.close();
  if (!file) throw Error(path + ": cannot be written");
}

}  // namespace thaw
