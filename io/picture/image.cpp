#include "io/picture/image.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>

#include "io/file/bytes.h"
#include "io/file/text.h"
#include "io/picture/decoders.h"
#include "io/picture/exif.h"
#include "kernels/error.h"

namespace thaw {

using namespace image_detail;

namespace {

bool starts_with(Bytes file, std::string_view text, std::size_t at = 0) {
  return file.size() >= at + text.size() && std::memcmp(file.data() + at, text.data(), text.size()) == 0;
}

// Why the content is none of the formats that are read.
std::string unknown_format(Bytes file) {
  if (file.empty()) return "empty file (0 bytes)";
  const char* known = nullptr;
  if (starts_with(file, "GIF8")) known = "GIF";
  if (starts_with(file, "RIFF") && starts_with(file, "WEBP", 8)) known = "WebP";
  if (starts_with(file, "II*") || starts_with(file, std::string_view("MM\0*", 4))) known = "TIFF";
  if (starts_with(file, "ftypavif", 4)) known = "AVIF";
  if (starts_with(file, "ftypheic", 4) || starts_with(file, "ftypmif1", 4)) known = "HEIC";
  if (starts_with(file, "%PDF")) known = "PDF";
  if (starts_with(file, "version https://git-lfs"))
    return "a Git LFS pointer, not a picture; fetch it with git lfs pull";
  const std::size_t text = static_cast<std::size_t>(
      std::find_if(file.begin(), file.end(), [](std::uint8_t c) { return c > ' ' && c < 0x80; }) -
      file.begin());
  if (starts_with(file, "<", text)) known = "HTML, SVG or XML text";
  if (known == nullptr) return "unknown image format; JPEG, PNG, BMP, PPM, PGM and TGA are read";
  return std::string("unsupported image format: ") + known + "; save it as JPEG or PNG";
}

std::optional<ImageFormat> sniff(Bytes file) {
  if (starts_with(file, "\xff\xd8\xff")) return ImageFormat::jpeg;
  if (starts_with(file, "\x89PNG\r\n\x1a\n")) return ImageFormat::png;
  if (starts_with(file, "BM") && file.size() >= 14) return ImageFormat::bmp;
  if (file.size() >= 3 && file[0] == 'P' && file[1] >= '1' && file[1] <= '7' &&
      (file[2] <= ' ' || file[2] == '#')) {
    return ImageFormat::pnm;
  }
  if (looks_like_tga(file)) return ImageFormat::tga;
  return std::nullopt;
}

// A note when the name says another format than the content.
void note_name(ImageFormat format, const std::string& name, std::vector<std::string>& notes) {
  std::string extension = std::filesystem::path(name).extension().string();
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  std::optional<ImageFormat> named;
  if (extension == ".jpg" || extension == ".jpeg") named = ImageFormat::jpeg;
  if (extension == ".png") named = ImageFormat::png;
  if (extension == ".bmp") named = ImageFormat::bmp;
  if (extension == ".ppm" || extension == ".pgm" || extension == ".pnm") named = ImageFormat::pnm;
  if (extension == ".tga") named = ImageFormat::tga;
  if (named && *named != format)
    notes.push_back(std::string(image_format_name(format)) + " named " + extension);
}

// Runs `decode` and puts the file's name before the reason of an error.
template <class Function>
auto with_name(const std::string& name, Function decode) {
  try {
    return decode();
  } catch (const Error& error) {
    throw Error(printable(name) + ": " + error.what());
  } catch (const std::bad_alloc&) {
    throw Error(printable(name) + ": not enough memory to decode it");
  } catch (const std::exception& error) {
    throw Error(printable(name) + ": cannot be decoded: " + error.what());
  }
}

ImageHeader header_of(Bytes file, const ImageLimits& limits) {
  const auto format = sniff(file);
  if (!format) throw Error(unknown_format(file));
  switch (*format) {
    case ImageFormat::jpeg:
      return jpeg_header(file, limits);
    case ImageFormat::png:
      return png_header(file, limits);
    case ImageFormat::bmp:
      return bmp_header(file, limits);
    case ImageFormat::pnm:
      return pnm_header(file, limits);
    default:
      return tga_header(file, limits);
  }
}

Decoded decode_any(Bytes file, const ImageLimits& limits, ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg:
      return decode_jpeg(file, limits);
    case ImageFormat::png:
      return decode_png(file, limits);
    case ImageFormat::bmp:
      return decode_bmp(file, limits);
    case ImageFormat::pnm:
      return decode_pnm(file, limits);
    default:
      return decode_tga(file, limits);
  }
}

}  // namespace

void image_detail::check_size(std::int64_t width, std::int64_t height, const ImageLimits& limits) {
  if (width <= 0 || height <= 0) throw Error("corrupt: the picture has no pixels");
  if (width <= limits.side && height <= limits.side && width * height <= limits.pixels) return;
  throw Error("picture of " + std::to_string(width) + " x " + std::to_string(height) +
              " pixels is over the limit of " + std::to_string(limits.side) + " per side and " +
              std::to_string(limits.pixels) + " in all; save it smaller");
}

const char* image_format_name(ImageFormat format) {
  constexpr const char* names[] = {"JPEG", "PNG", "BMP", "PNM", "TGA"};
  return names[static_cast<std::size_t>(format)];
}

namespace {

void check_file_size(std::uint64_t bytes, std::size_t limit) {
  if (bytes > limit)
    throw Error("file of " + std::to_string(bytes) + " bytes is over the limit of " + std::to_string(limit) +
                "; save it smaller");
}

// A file's first `most` bytes. Sets `whole` when that is all of it.
std::vector<std::uint8_t> read_start(const std::string& path, std::size_t limit, std::size_t most,
                                     bool& whole) {
  FileReader file(path);
  with_name(path, [&] { check_file_size(file.size(), limit); });
  whole = file.size() <= most;
  std::vector<std::uint8_t> bytes(std::min(static_cast<std::size_t>(file.size()), most));
  bytes.resize(file.read(std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

}  // namespace

std::vector<std::uint8_t> read_picture_file(const std::string& path, std::size_t limit) {
  bool whole = false;
  return read_start(path, limit, limit, whole);
}

Image decode_image(std::span<const std::uint8_t> bytes, int channels, const std::string& name,
                   const ImageLimits& limits) {
  check(channels == 1 || channels == 3, "decode_image: channels must be 1 or 3");
  return with_name(name, [&] {
    check_file_size(bytes.size(), limits.file_bytes);
    const auto format = sniff(bytes);
    if (!format) throw Error(unknown_format(bytes));
    Decoded decoded = decode_any(bytes, limits, *format);
    note_name(*format, name, decoded.image.notes);
    return apply_orientation(convert_channels(std::move(decoded.image), channels), decoded.orientation);
  });
}

Image read_image(const std::string& path, int channels, const ImageLimits& limits) {
  return decode_image(read_picture_file(path, limits.file_bytes), channels, path, limits);
}

ImageHeader image_header(std::span<const std::uint8_t> bytes, const std::string& name,
                         const ImageLimits& limits) {
  return with_name(name, [&] {
    ImageHeader header = header_of(bytes, limits);
    note_name(header.format, name, header.notes);
    return header;
  });
}

ImageHeader image_header(const std::string& path, const ImageLimits& limits) {
  constexpr std::size_t usual =
      16384;  // holds most headers; large colour profiles or thumbnails come before some
  bool whole = false;
  const auto start = read_start(path, limits.file_bytes, usual, whole);
  const auto format = sniff(start);
  if (!whole && (format == ImageFormat::jpeg || format == ImageFormat::png)) {
    try {
      return image_header(start, path, limits);
    } catch (const Error&) {  // more of the file may be needed, or the same error comes again
    }
  }
  return image_header(whole ? start : read_picture_file(path, limits.file_bytes), path, limits);
}

Image convert_channels(Image image, int channels) {
  if (image.channels == channels) return image;
  const std::size_t count = static_cast<std::size_t>(image.width) * image.height;
  std::vector<std::uint8_t> pixels(count * channels);
  const std::uint8_t* from = image.pixels.data();
  if (channels == 3) {
    for (std::size_t i = 0; i < count; ++i) pixels[3 * i] = pixels[3 * i + 1] = pixels[3 * i + 2] = from[i];
  } else {
    for (std::size_t i = 0; i < count; ++i, from += 3) {
      pixels[i] =
          static_cast<std::uint8_t>((from[0] * 19595 + from[1] * 38470 + from[2] * 7471 + 0x8000) >> 16);
    }
  }
  image.pixels = std::move(pixels);
  image.channels = channels;
  return image;
}

}  // namespace thaw
