#include "io/picture/image.h"

#include <algorithm>

#include "io/file/bytes.h"
#include "io/file/text.h"
#include "io/picture/exif.h"
#include "io/picture/formats.h"
#include "kernels/error.h"

namespace thaw {

using namespace image_detail;

namespace {

// A note when the name says another format than the content.
void note_name(const PictureFormat& format, const std::string& name, std::vector<std::string>& notes) {
  const PictureFormat* named = format_of_name(name);
  if (named != nullptr && named != &format)
    notes.push_back(std::string(format.name) + " named " + extension_of(name));
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

}  // namespace

void image_detail::check_size(std::int64_t width, std::int64_t height, const ImageLimits& limits) {
  if (width <= 0 || height <= 0) throw Error("corrupt: the picture has no pixels");
  if (width <= limits.side && height <= limits.side && width * height <= limits.pixels) return;
  throw Error("picture of " + std::to_string(width) + " x " + std::to_string(height) +
              " pixels is over the limit of " + std::to_string(limits.side) + " per side and " +
              std::to_string(limits.pixels) + " in all; save it smaller");
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
    const PictureFormat& format = format_of(bytes);
    Decoded decoded = format.decode(bytes, limits);
    note_name(format, name, decoded.image.notes);
    return apply_orientation(convert_channels(std::move(decoded.image), channels), decoded.orientation);
  });
}

Image read_image(const std::string& path, int channels, const ImageLimits& limits) {
  return decode_image(read_picture_file(path, limits.file_bytes), channels, path, limits);
}

ImageHeader image_header(std::span<const std::uint8_t> bytes, const std::string& name,
                         const ImageLimits& limits) {
  return with_name(name, [&] {
    const PictureFormat& format = format_of(bytes);
    ImageHeader header = format.header(bytes, limits);
    header.format = format.name;
    header.exif = has_exif(bytes);
    note_name(format, name, header.notes);
    return header;
  });
}

ImageHeader image_header(const std::string& path, const ImageLimits& limits) {
  constexpr std::size_t usual =
      16384;  // holds most headers; large colour profiles or thumbnails come before some
  bool whole = false;
  const auto start = read_start(path, limits.file_bytes, usual, whole);
  if (!whole) {
    try {
      if (format_of(start).header_first) return image_header(start, path, limits);
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
