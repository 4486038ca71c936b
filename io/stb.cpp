// BMP and TGA through stb_image. Its readers take the end of the file for zeros, so the length is checked
// first.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "io/image_decoders.h"
#include "kernels/error.h"

namespace {

// Memory of stb_image: zeroed, so a decoder's gaps never show old memory, and bounded per block.
constexpr std::size_t stb_block_limit = std::size_t{512} << 20;

void* stb_allocate(std::size_t bytes) {
  return bytes > stb_block_limit ? nullptr : std::calloc(1, bytes);
}

}  // namespace

#define STBI_MALLOC(bytes) stb_allocate(bytes)
#define STBI_REALLOC_SIZED(block, old_bytes, bytes) nullptr  // BMP and TGA never reallocate
#define STBI_FREE(block) std::free(block)
#define STBI_ONLY_BMP
#define STBI_ONLY_TGA
#define STBI_NO_JPEG
#define STBI_NO_PNG
#define STBI_NO_GIF
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_NO_FAILURE_STRINGS
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb_image.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace thaw::image_detail {

namespace {

std::uint32_t u16(Bytes file, std::size_t at) {
  return static_cast<std::uint32_t>(file[at] | file[at + 1] << 8);
}
std::uint32_t u32(Bytes file, std::size_t at) {
  return u16(file, at) | u16(file, at + 2) << 16;
}

[[noreturn]] void premature_end(const char* format) {
  throw Error(std::string("corrupt ") + format + ": premature end of the file");
}

// Where the pixels of a BMP end, from its header; all kinds that stb_image reads are uncompressed.
std::uint64_t bmp_end(Bytes file, ImageHeader& header) {
  if (file.size() < 26) premature_end("BMP");
  const std::uint32_t size = u32(file, 14);
  const bool old = size == 12;
  if (!old && file.size() < 54) premature_end("BMP");
  if (!old && size != 40 && size != 56 && size != 108 && size != 124)
    throw Error("unsupported BMP: unknown header");
  const auto width = static_cast<std::int32_t>(old ? u16(file, 18) : u32(file, 18));
  const std::int64_t rows = static_cast<std::int32_t>(old ? u16(file, 20) : u32(file, 22));
  const std::int64_t height = rows < 0 ? -rows : rows;
  const std::uint32_t bits = old ? u16(file, 24) : u16(file, 28);
  if (!old && u32(file, 30) != 0 && u32(file, 30) != 3)
    throw Error("unsupported BMP: compressed; save it as PNG");
  if (width < 0 || height > 0x7fffffff) throw Error("corrupt BMP: bad size");
  header.width = width;
  header.height = static_cast<int>(height);
  header.channels = bits == 32 ? 4 : 3;
  const std::uint64_t stride = (std::uint64_t{bits} * static_cast<std::uint32_t>(width) + 31) / 32 * 4;
  return u32(file, 10) + stride * static_cast<std::uint64_t>(height);
}

struct TgaHeader {
  bool run_length = false;
  bool indexed = false;
  std::uint32_t pixel_bytes = 0;
  std::size_t data = 0;  // offset of the pixels
};

TgaHeader tga_fields(Bytes file, ImageHeader& header) {
  const int type = file[2];
  TgaHeader tga;
  tga.run_length = type >= 9;
  tga.indexed = file[1] == 1 && (type & 7) == 1;
  tga.pixel_bytes = (file[16] + 7u) / 8;
  const std::size_t map_bytes = file[1] == 1 ? u16(file, 5) * ((file[7] + 7u) / 8) : 0;
  tga.data = 18 + std::size_t{file[0]} + map_bytes;
  header.width = static_cast<int>(u16(file, 12));
  header.height = static_cast<int>(u16(file, 14));
  header.channels = (type & 7) == 3 ? 1 : file[16] == 32 ? 4 : 3;
  return tga;
}

// Throws unless the file holds every pixel that the header promises.
void check_tga_length(Bytes file, const TgaHeader& tga, const ImageHeader& header) {
  const std::uint64_t pixels =
      static_cast<std::uint64_t>(header.width) * static_cast<std::uint64_t>(header.height);
  if (!tga.run_length) {
    if (tga.data + pixels * tga.pixel_bytes > file.size()) premature_end("TGA");
    return;
  }
  std::size_t at = tga.data;
  for (std::uint64_t done = 0; done < pixels;) {
    if (at >= file.size()) premature_end("TGA");
    const std::uint8_t packet = file[at];
    const std::uint32_t run = (packet & 127u) + 1;
    at += 1 + std::size_t{tga.pixel_bytes} * ((packet & 128) != 0 ? 1 : run);
    if (at > file.size()) premature_end("TGA");
    done += run;
  }
}

Decoded decode_stb(Bytes file, const char* format) {
  struct Free {
    void operator()(stbi_uc* pixels) const { std::free(pixels); }
  };
  int width = 0, height = 0, channels = 0;
  const int length = static_cast<int>(file.size());
  if (!stbi_info_from_memory(file.data(), length, &width, &height, &channels)) {
    throw Error(std::string("corrupt or unsupported ") + format);
  }
  Decoded decoded;
  decoded.image.channels = channels <= 2 ? 1 : 3;
  const std::unique_ptr<stbi_uc, Free> pixels(
      stbi_load_from_memory(file.data(), length, &width, &height, &channels, decoded.image.channels));
  if (!pixels) throw Error(std::string("corrupt or unsupported ") + format);
  decoded.image.width = width;
  decoded.image.height = height;
  decoded.image.pixels.assign(pixels.get(), pixels.get() + static_cast<std::size_t>(width) *
                                                               static_cast<std::size_t>(height) *
                                                               decoded.image.channels);
  return decoded;
}

}  // namespace

bool looks_like_tga(Bytes file) {
  if (file.size() < 18) return false;
  const int map = file[1], type = file[2], bits = file[16];
  if (map > 1 || (type & ~8) < 1 || (type & ~8) > 3) return false;
  if ((type & 7) == 1 ? map != 1 || (bits != 8 && bits != 16)
                      : bits != 8 && bits != 15 && bits != 16 && bits != 24 && bits != 32) {
    return false;
  }
  return u16(file, 12) > 0 && u16(file, 14) > 0 && (file[17] & 0xc0) == 0;
}

ImageHeader bmp_header(Bytes file, const ImageLimits& limits) {
  ImageHeader header{.format = ImageFormat::bmp, .notes = {}};
  const std::uint64_t end = bmp_end(file, header);
  check_size(header.width, header.height, limits);
  if (end > file.size()) premature_end("BMP");
  return header;
}

ImageHeader tga_header(Bytes file, const ImageLimits& limits) {
  ImageHeader header{.format = ImageFormat::tga, .notes = {}};
  const TgaHeader tga = tga_fields(file, header);
  check_size(header.width, header.height, limits);
  check_tga_length(file, tga, header);
  return header;
}

Decoded decode_bmp(Bytes file, const ImageLimits& limits) {
  bmp_header(file, limits);
  return decode_stb(file, "BMP");
}

Decoded decode_tga(Bytes file, const ImageLimits& limits) {
  tga_header(file, limits);
  return decode_stb(file, "TGA");
}

}  // namespace thaw::image_detail
