// Picture files made for the tests: patterns, encoders, and a folder that goes away.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <jpeglib.h>
#include <png.h>
#include <unistd.h>

#include "io/picture/image.h"
#include "kernels/error.h"

namespace thaw::test {

using FileBytes = std::vector<std::uint8_t>;

class TempFolder {
 public:
  TempFolder() {
    // In memory where the system has such a place: one test makes 10 000 folders.
    const std::filesystem::path memory = "/dev/shm";
    const auto place = ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
    std::string name = (place / "thaw_test_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw Error("cannot make a temporary folder");
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  // Writes path()/name, making its folders.
  std::string write(const std::string& name, const FileBytes& bytes) const {
    const std::filesystem::path file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return file.string();
  }

 private:
  std::string path_;
};

inline FileBytes text_bytes(const std::string& text) {
  return {text.begin(), text.end()};
}

// A picture with gradients and detail; `salt` makes different ones.
inline Image pattern(int width, int height, int channels, int salt = 0) {
  Image image{.width = width, .height = height, .channels = channels, .pixels = {}, .notes = {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        image.pixels.push_back(static_cast<std::uint8_t>(
            (x * 5 + y * 3 + c * 70 + salt * 11 + ((x / 4 + y / 4) % 2) * 40) & 255));
      }
    }
  }
  return image;
}

struct JpegKind {
  bool progressive = false;
  bool arithmetic = false;
  bool one_one = false;  // 4:1:1 chroma
  bool apart = false;    // baseline, a scan for each component
  J_COLOR_SPACE in = JCS_RGB;
  J_COLOR_SPACE out = JCS_YCbCr;
  int quality = 90;
};

// Components as `kind.in` has them: 1, 3, or 4 (CMYK as Adobe writes it, inverted).
inline FileBytes make_jpeg(const Image& image, const JpegKind& kind = {}) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long length = 0;
  jpeg_mem_dest(&info, &memory, &length);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = image.channels;
  info.in_color_space = kind.in;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, kind.out);
  jpeg_set_quality(&info, kind.quality, TRUE);
  info.arith_code = kind.arithmetic ? TRUE : FALSE;
  if (kind.one_one) info.comp_info[0].h_samp_factor = 4, info.comp_info[0].v_samp_factor = 1;
  if (kind.progressive) jpeg_simple_progression(&info);
  jpeg_scan_info scans[4] = {};
  for (int c = 0; c < 4; ++c) {
    scans[c].comps_in_scan = 1;
    scans[c].component_index[0] = c;
    scans[c].Se = DCTSIZE2 - 1;
  }
  if (kind.apart) {
    info.scan_info = scans;
    info.num_scans = info.num_components;
  }
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(image.pixels.data()) +
                   static_cast<std::size_t>(info.next_scanline) * image.width * image.channels;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  FileBytes bytes(memory, memory + length);
  std::free(memory);
  return bytes;
}

struct PngKind {
  int depth = 8;
  int colour = PNG_COLOR_TYPE_RGB;
  bool interlaced = false;
  int palette = 0;            // entries: entry i is (i * 3, 255 - i, i * 7)
  bool transparency = false;  // a tRNS chunk
};

// `rows` holds height packed rows, as PNG has them.
inline FileBytes make_png(int width, int height, const PngKind& kind, const FileBytes& rows) {
  FileBytes bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &bytes,
      [](png_structp p, png_bytep data, png_size_t count) {
        auto& out = *static_cast<FileBytes*>(png_get_io_ptr(p));
        out.insert(out.end(), data, data + count);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), kind.depth,
               kind.colour, kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (kind.palette > 0) {
    std::vector<png_color> colours;
    for (int i = 0; i < kind.palette; ++i) {
      colours.push_back(
          {static_cast<png_byte>(i * 3), static_cast<png_byte>(255 - i), static_cast<png_byte>(i * 7)});
    }
    png_set_PLTE(png, info, colours.data(), kind.palette);
  }
  if (kind.transparency) {
    png_color_16 colour{};
    const png_byte alpha[2] = {0, 128};
    png_set_tRNS(png, info, kind.palette > 0 ? alpha : nullptr, kind.palette > 0 ? 2 : 0, &colour);
  }
  png_set_check_for_invalid_index(png, -1);
  png_write_info(png, info);
  const std::size_t stride = png_get_rowbytes(png, info);
  std::vector<png_bytep> pointers;
  for (int y = 0; y < height; ++y)
    pointers.push_back(const_cast<png_bytep>(rows.data()) + static_cast<std::size_t>(y) * stride);
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

inline FileBytes make_png(const Image& image, bool interlaced = false) {
  return make_png(
      image.width, image.height,
      {.colour = image.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, .interlaced = interlaced},
      image.pixels);
}

inline void append_u32(FileBytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

// One PNG chunk with a right checksum; `declared` overrules the length field.
inline FileBytes png_chunk(const std::string& type, const FileBytes& data, std::int64_t declared = -1) {
  FileBytes bytes;
  append_u32(bytes,
             static_cast<std::uint32_t>(declared < 0 ? static_cast<std::int64_t>(data.size()) : declared));
  FileBytes body = text_bytes(type);
  body.insert(body.end(), data.begin(), data.end());
  std::uint32_t crc = 0xffffffffu;
  for (const std::uint8_t byte : body) {
    crc ^= byte;
    for (int k = 0; k < 8; ++k) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
  }
  bytes.insert(bytes.end(), body.begin(), body.end());
  append_u32(bytes, ~crc);
  return bytes;
}

// Puts `extra` into `bytes` at `at`.
inline FileBytes inserted(FileBytes bytes, std::size_t at, const FileBytes& extra) {
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), extra.begin(), extra.end());
  return bytes;
}

// The TIFF block of an EXIF segment with one entry, orientation, of either byte order.
inline FileBytes orientation_block(std::uint16_t value, bool big_endian) {
  if (big_endian) {
    return {'M',
            'M',
            0,
            '*',
            0,
            0,
            0,
            8,
            0,
            1,
            1,
            0x12,
            0,
            3,
            0,
            0,
            0,
            1,
            static_cast<std::uint8_t>(value >> 8),
            static_cast<std::uint8_t>(value),
            0,
            0,
            0,
            0,
            0,
            0};
  }
  return {'I',
          'I',
          '*',
          0,
          8,
          0,
          0,
          0,
          1,
          0,
          0x12,
          1,
          3,
          0,
          1,
          0,
          0,
          0,
          static_cast<std::uint8_t>(value),
          static_cast<std::uint8_t>(value >> 8),
          0,
          0,
          0,
          0,
          0,
          0};
}

// A JPEG with an EXIF segment after its first marker.
inline FileBytes with_exif(const FileBytes& jpeg, const FileBytes& tiff) {
  const std::size_t length = tiff.size() + 8;
  FileBytes segment{0xff,
                    0xe1,
                    static_cast<std::uint8_t>(length >> 8),
                    static_cast<std::uint8_t>(length),
                    'E',
                    'x',
                    'i',
                    'f',
                    0,
                    0};
  segment.insert(segment.end(), tiff.begin(), tiff.end());
  return inserted(jpeg, 2, segment);
}

// The message of the Error that `function` throws; "" when it throws none.
template <class Function>
std::string error_of(Function function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

inline std::string decode_error(const FileBytes& bytes, const ImageLimits& limits = {}) {
  return error_of([&] { decode_image(bytes, 3, "picture", limits); });
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace thaw::test
