// JPEG through libjpeg-turbo. Its errors leave by longjmp, so the functions that call it hold no C++ objects
// of their own; JpegReader's destructor frees what the library holds, whichever way they end.
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>

#include <jerror.h>

#include "io/picture/decoders.h"
#include "io/picture/exif.h"
#include "kernels/error.h"

namespace thaw::image_detail {

namespace {

struct JpegReader {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX + 32] = "";
  int scan_limit = 0;
  int hit_end = 0;                 // the end marker is missing
  int extraneous = 0;              // bytes before a marker
  int damaged = 0;                 // the entropy-coded data broke off or makes no sense
  bool seen[MAX_COMPONENTS] = {};  // by component: a scan has begun that holds it

  JpegReader() = default;
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&info); }

  bool read_header(Bytes file, const ImageLimits& limits);
  bool start();
  bool read_pixels(std::uint8_t* rows);
  void note_scan();
  bool finished_progression() const;
};

JpegReader& reader_of(j_common_ptr info) {
  return *static_cast<JpegReader*>(info->client_data);
}

void on_error(j_common_ptr info) {
  info->err->format_message(info, reader_of(info).message);
  std::longjmp(reader_of(info).escape, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // traces
  JpegReader& reader = reader_of(info);
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
      ++reader.hit_end;
      break;
    case JWRN_EXTRANEOUS_DATA:
      ++reader.extraneous;
      break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      if (reader.damaged++ == 0) info->err->format_message(info, reader.message);
      break;
    default:  // unusual version numbers and the like: the pixels are whole
      break;
  }
}

void on_progress(j_common_ptr info) {
  JpegReader& reader = reader_of(info);
  reader.note_scan();
  if (reader.info.input_scan_number <= reader.scan_limit) return;
  std::snprintf(reader.message, sizeof reader.message, "more than %d scans", reader.scan_limit);
  std::longjmp(reader.escape, 1);
}

bool JpegReader::read_header(Bytes file, const ImageLimits& limits) {
  info.err = jpeg_std_error(&errors);
  errors.error_exit = on_error;
  errors.emit_message = on_message;
  info.client_data = this;
  if (setjmp(escape)) return false;
  jpeg_create_decompress(&info);
  // Coefficients of a progressive picture: 2 bytes in at most 4 components, and what rounding up to whole
  // blocks adds. More than that is an error inside libjpeg.
  info.mem->max_memory_to_use = static_cast<long>(limits.pixels * 8) + (64L << 20);
  jpeg_save_markers(&info, JPEG_APP0 + 1, 0xffff);
  jpeg_mem_src(&info, file.data(), static_cast<unsigned long>(file.size()));
  return jpeg_read_header(&info, TRUE) == JPEG_HEADER_OK;
}

void JpegReader::note_scan() {
  for (int i = 0; i < info.comps_in_scan; ++i) seen[info.cur_comp_info[i]->component_index] = true;
}

bool JpegReader::start() {
  if (setjmp(escape)) return false;
  progress.progress_monitor = on_progress;
  info.progress = &progress;
  return jpeg_start_decompress(&info) == TRUE;
}

bool JpegReader::read_pixels(std::uint8_t* rows) {
  if (setjmp(escape)) return false;
  const std::size_t stride = static_cast<std::size_t>(info.output_width) * info.output_components;
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = rows + stride * info.output_scanline;
    jpeg_read_scanlines(&info, &row, 1);
  }
  note_scan();
  if (!finished_progression()) ++damaged;
  jpeg_finish_decompress(&info);
  return true;
}

// Whether a progressive picture whose end is missing had all its coefficient bits by then.
bool JpegReader::finished_progression() const {
  if (hit_end == 0 || info.coef_bits == nullptr) return true;
  for (int c = 0; c < info.num_components; ++c) {
    for (int k = 0; k < DCTSIZE2; ++k) {
      if (info.coef_bits[c][k] != 0) return false;
    }
  }
  return true;
}

void open(JpegReader& reader, Bytes file, const ImageLimits& limits) {
  if (!reader.read_header(file, limits))
    throw Error(std::string("corrupt or unsupported JPEG: ") + reader.message);
  const auto& info = reader.info;
  check_size(info.image_width, info.image_height, limits);
  if (info.arith_code) throw Error("unsupported JPEG: arithmetic coding; save it as a baseline JPEG");
  if (info.data_precision != 8) {
    throw Error("unsupported JPEG: " + std::to_string(info.data_precision) +
                " bits per sample; save it with 8");
  }
  if (info.num_components != 1 && info.num_components != 3 && info.num_components != 4) {
    throw Error("unsupported JPEG: " + std::to_string(info.num_components) + " components");
  }
}

// libjpeg's words without the prefix that some of its messages have.
std::string corrupt(const JpegReader& reader) {
  constexpr std::string_view prefix = "Corrupt JPEG data: ";
  std::string_view text = reader.message;
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return "corrupt JPEG: " + std::string(text);
}

int orientation_of(const jpeg_decompress_struct& info) {
  for (jpeg_saved_marker_ptr marker = info.marker_list; marker != nullptr; marker = marker->next) {
    if (marker->data_length > 6 && std::memcmp(marker->data, "Exif\0\0", 6) == 0) {
      return exif_orientation({marker->data + 6, marker->data_length - 6});
    }
  }
  return 1;
}

// Adobe's inverted CMYK in place to RGB, with Pillow's rounding.
void cmyk_to_rgb(std::vector<std::uint8_t>& pixels, std::size_t count) {
  std::uint8_t* to = pixels.data();
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* from = pixels.data() + 4 * i;
    const int white = from[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - from[c]) * white + 128;
      const int value = white - (((product >> 8) + product) >> 8);
      *to++ = static_cast<std::uint8_t>(value < 0 ? 0 : value);
    }
  }
  pixels.resize(3 * count);
}

}  // namespace

ImageHeader jpeg_header(Bytes file, const ImageLimits& limits) {
  JpegReader reader;
  open(reader, file, limits);
  return {.width = static_cast<int>(reader.info.image_width),
          .height = static_cast<int>(reader.info.image_height),
          .channels = reader.info.num_components,
          .notes = {}};
}

Decoded decode_jpeg(Bytes file, const ImageLimits& limits) {
  JpegReader reader;
  reader.scan_limit = limits.jpeg_scans;
  open(reader, file, limits);
  auto& info = reader.info;
  const int components = info.num_components;
  info.out_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;

  Decoded decoded;
  decoded.orientation = orientation_of(info);
  Image& image = decoded.image;
  image.width = static_cast<int>(info.image_width);
  image.height = static_cast<int>(info.image_height);
  image.channels = components == 1 ? 1 : 3;
  const std::size_t count = static_cast<std::size_t>(image.width) * image.height;
  if (!reader.start()) throw Error(corrupt(reader));
  if (info.output_width != info.image_width || info.output_height != info.image_height ||
      info.output_components != components)
    throw Error("corrupt JPEG: it decodes to another size than its header says");
  image.pixels.resize(count * components);
  if (!reader.read_pixels(image.pixels.data())) throw Error(corrupt(reader));

  // A file of several scans may end after one of them; libjpeg takes the others for grey.
  for (int c = 0; c < components; ++c)
    if (!reader.seen[c])
      throw Error("corrupt JPEG: " + std::string(reader.hit_end > 0 ? "it breaks off, and " : "") +
                  "the data of one of its " + std::to_string(components) +
                  " colours are missing; save or download it again");
  if (reader.damaged > 0 && reader.hit_end > 0) throw Error("corrupt JPEG: premature end of the file");
  if (reader.damaged > 0) throw Error(corrupt(reader));
  if (reader.hit_end > 0) image.notes.push_back("JPEG without its end marker");
  if (reader.extraneous > 0) {
    if (limits.strict) throw Error("corrupt JPEG: extraneous bytes before a marker");
    image.notes.push_back("JPEG with extraneous bytes before a marker");
  }
  if (limits.strict && reader.hit_end > 0) throw Error("corrupt JPEG: its end marker is missing");
  if (components == 4) {
    cmyk_to_rgb(image.pixels, count);
    image.notes.push_back("CMYK JPEG");
  }
  return decoded;
}

}  // namespace thaw::image_detail
