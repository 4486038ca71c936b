#include "io/picture/formats.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "kernels/error.h"

namespace thaw::image_detail {
namespace {

bool starts_with(Bytes file, std::string_view text, std::size_t at = 0) {
  return file.size() >= at + text.size() && std::memcmp(file.data() + at, text.data(), text.size()) == 0;
}

bool looks_like_jpeg(Bytes file) {
  return starts_with(file, "\xff\xd8\xff");
}
bool looks_like_png(Bytes file) {
  return starts_with(file, "\x89PNG\r\n\x1a\n");
}
bool looks_like_bmp(Bytes file) {
  return starts_with(file, "BM") && file.size() >= 14;
}
bool looks_like_pnm(Bytes file) {
  return file.size() >= 3 && file[0] == 'P' && file[1] >= '1' && file[1] <= '7' &&
         (file[2] <= ' ' || file[2] == '#');
}

constexpr PictureFormat formats[] = {
    {"JPEG", ".jpg.jpeg.jpe.jfif", looks_like_jpeg, jpeg_header, decode_jpeg, true},
    {"PNG", ".png", looks_like_png, png_header, decode_png, true},
    {"BMP", ".bmp", looks_like_bmp, bmp_header, decode_bmp, false},
    {"PNM", ".ppm.pgm.pnm", looks_like_pnm, pnm_header, decode_pnm, false},
    {"TGA", ".tga", looks_like_tga, tga_header, decode_tga, false},
};

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
  if (known == nullptr) return "unknown image format; " + picture_format_names() + " are read";
  return std::string("unsupported image format: ") + known + "; save it as JPEG or PNG";
}

}  // namespace

std::span<const PictureFormat> picture_formats() {
  return formats;
}

const PictureFormat& format_of(Bytes file) {
  for (const PictureFormat& format : formats)
    if (format.recognise(file)) return format;
  throw Error(unknown_format(file));
}

std::string extension_of(const std::string& name) {
  std::string extension = std::filesystem::path(name).extension().string();
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return extension;
}

const PictureFormat* format_of_name(const std::string& name) {
  const std::string extension = extension_of(name);
  if (extension.size() < 2) return nullptr;
  for (const PictureFormat& format : formats) {
    const std::string all = std::string(format.extensions) + ".";
    if (all.find(extension + ".") != std::string::npos) return &format;
  }
  return nullptr;
}

std::string picture_format_names() {
  std::string names;
  for (const PictureFormat& format : formats) {
    if (&format != formats) names += &format + 1 == std::end(formats) ? " and " : ", ";
    names += format.name;
  }
  return names;
}

std::string picture_extensions() {
  std::string names;
  for (const PictureFormat& format : formats)
    for (const char* c = format.extensions; *c != '\0'; ++c) {
      if (*c != '.')
        names += *c;
      else if (!names.empty())
        names += ", ";
    }
  return names;
}

}  // namespace thaw::image_detail
