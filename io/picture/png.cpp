// PNG through libpng. As in io/picture/jpeg.cpp, errors leave by longjmp past functions without C++ objects
// of their own.
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <png.h>
#include <zlib.h>

#include "io/picture/decoders.h"
#include "io/picture/exif.h"
#include "kernels/error.h"

namespace thaw::image_detail {

namespace {

struct PngReader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  Bytes file;
  std::size_t at = 0;
  std::jmp_buf escape;
  char message[160] = "out of memory";

  explicit PngReader(Bytes bytes) : file(bytes) {}
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }

  bool read_header(const ImageLimits& limits);
  bool read_pixels(std::uint8_t* rows, std::size_t stride);
};

void on_error(png_structp png, png_const_charp text) {
  auto& reader = *static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader.message, sizeof reader.message, "%s", text);
  std::longjmp(reader.escape, 1);
}

void on_warning(png_structp, png_const_charp) {}  // about chunks that are skipped here

void on_read(png_structp png, png_bytep to, png_size_t count) {
  auto& reader = *static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader.file.size() - reader.at) png_error(png, "premature end of the file");
  std::memcpy(to, reader.file.data() + reader.at, count);
  reader.at += count;
}

bool PngReader::read_header(const ImageLimits& limits) {
  if (setjmp(escape)) return false;
  png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
  if (png == nullptr) return false;
  info = png_create_info_struct(png);
  if (info == nullptr) return false;
  png_set_read_fn(png, this, on_read);
  // Skips ancillary chunks unread: a declared length of gigabytes would be allocated otherwise.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_chunk_malloc_max(png, png_alloc_size_t{8} << 20);
  png_set_chunk_cache_max(png, 1000);
  const auto side = static_cast<png_uint_32>(limits.side);
  png_set_user_limits(png, side, side);
  png_read_info(png, info);
  return true;
}

bool PngReader::read_pixels(std::uint8_t* rows, std::size_t stride) {
  if (setjmp(escape)) return false;
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != stride) png_error(png, "unexpected row size");
  const png_uint_32 height = png_get_image_height(png, info);
  for (int pass = 0; pass < passes; ++pass) {
    for (png_uint_32 y = 0; y < height; ++y) png_read_row(png, rows + y * stride, nullptr);
  }
  png_read_end(png, nullptr);
  return true;
}

void open(PngReader& reader, const ImageLimits& limits) {
  // Limits first, from the bytes of IHDR: libpng refuses huge sizes with vaguer words, and after it has read
  // what comes before.
  if (reader.file.size() < 24) throw Error("corrupt PNG: premature end of the file");
  if (png_get_uint_32(reader.file.data() + 8) != 13 || std::memcmp(reader.file.data() + 12, "IHDR", 4) != 0)
    throw Error("corrupt PNG: its first chunk is not IHDR");
  check_size(png_get_uint_32(reader.file.data() + 16), png_get_uint_32(reader.file.data() + 20), limits);
  if (!reader.read_header(limits)) throw Error(std::string("corrupt PNG: ") + reader.message);
  check_size(png_get_image_width(reader.png, reader.info), png_get_image_height(reader.png, reader.info),
             limits);
}

// Looks the indices up; false when one lies beyond the palette.
bool palette_to_rgb(const PngReader& reader, Image& image) {
  png_colorp palette = nullptr;
  int colours = 0;
  png_get_PLTE(reader.png, reader.info, &palette, &colours);
  std::vector<std::uint8_t> rgb(image.pixels.size() * 3);
  std::uint8_t* to = rgb.data();
  for (const std::uint8_t index : image.pixels) {
    if (index >= colours) return false;
    *to++ = palette[index].red;
    *to++ = palette[index].green;
    *to++ = palette[index].blue;
  }
  image.pixels = std::move(rgb);
  image.channels = 3;
  return true;
}

// Walks the chunks for eXIf, which libpng was told to skip.
// By the picture's eXIf chunk; what stands behind its end is not of the picture.
int orientation_of(Bytes file, std::vector<std::string>& notes) {
  for (std::size_t at = 8; at + 12 <= file.size();) {
    const std::size_t length = png_get_uint_32(file.data() + at);
    if (length > file.size() - at - 12) return 1;
    const std::uint8_t* type = file.data() + at + 4;
    if (std::memcmp(type, "IEND", 4) == 0) return 1;
    if (std::memcmp(type, "eXIf", 4) == 0) {
      const auto sum = crc32(crc32(0, nullptr, 0), type, static_cast<uInt>(length + 4));
      if (sum == png_get_uint_32(type + 4 + length)) return exif_orientation(file.subspan(at + 8, length));
      notes.push_back("PNG with a damaged eXIf chunk, which is not obeyed");
      return 1;
    }
    at += length + 12;
  }
  return 1;
}

}  // namespace

ImageHeader png_header(Bytes file, const ImageLimits& limits) {
  PngReader reader(file);
  open(reader, limits);
  return {.width = static_cast<int>(png_get_image_width(reader.png, reader.info)),
          .height = static_cast<int>(png_get_image_height(reader.png, reader.info)),
          .channels = png_get_channels(reader.png, reader.info),
          .notes = {}};
}

Decoded decode_png(Bytes file, const ImageLimits& limits) {
  PngReader reader(file);
  open(reader, limits);
  const int colour = png_get_color_type(reader.png, reader.info);
  const bool palette = colour == PNG_COLOR_TYPE_PALETTE;
  png_set_strip_16(reader.png);
  png_set_strip_alpha(reader.png);
  if (palette) {
    png_set_packing(reader.png);
  } else if (colour == PNG_COLOR_TYPE_GRAY) {
    png_set_expand_gray_1_2_4_to_8(reader.png);
  }

  Decoded decoded;
  decoded.orientation = orientation_of(file, decoded.image.notes);
  Image& image = decoded.image;
  image.width = static_cast<int>(png_get_image_width(reader.png, reader.info));
  image.height = static_cast<int>(png_get_image_height(reader.png, reader.info));
  image.channels = (colour & PNG_COLOR_MASK_COLOR) != 0 && !palette ? 3 : 1;
  const std::size_t stride = static_cast<std::size_t>(image.width) * image.channels;
  image.pixels.resize(stride * image.height);
  if (!reader.read_pixels(image.pixels.data(), stride))
    throw Error(std::string("corrupt PNG: ") + reader.message);
  if (palette && !palette_to_rgb(reader, image))
    throw Error("corrupt PNG: a pixel's index lies beyond the palette");
  return decoded;
}

}  // namespace thaw::image_detail
