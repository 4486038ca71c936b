// Binary PGM and PPM (netpbm's P5 and P6).
#include <string>

#include "io/picture/decoders.h"
#include "kernels/error.h"

namespace thaw::image_detail {

namespace {

struct PnmHeader {
  int channels = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t maximum = 0;
  std::size_t data = 0;  // offset of the first sample
};

bool is_space(std::uint8_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// The next decimal number after white space and '#' comments. Throws Error when there is none or it is over
// 2^31.
std::int64_t read_number(Bytes file, std::size_t& at) {
  while (at < file.size() && (is_space(file[at]) || file[at] == '#')) {
    if (file[at++] != '#') continue;
    while (at < file.size() && file[at] != '\n') ++at;
  }
  std::int64_t value = -1;
  while (at < file.size() && file[at] >= '0' && file[at] <= '9') {
    value = (value < 0 ? 0 : value) * 10 + (file[at++] - '0');
    if (value > 0x7fffffff) break;
  }
  if (value < 0 || value > 0x7fffffff) throw Error("corrupt PNM: a number is missing in the header");
  return value;
}

PnmHeader parse(Bytes file, const ImageLimits& limits) {
  if (file[1] != '5' && file[1] != '6') {
    throw Error(std::string("unsupported PNM: P") + static_cast<char>(file[1]) +
                "; save it as binary PPM (P6) or as PNG");
  }
  PnmHeader header;
  header.channels = file[1] == '5' ? 1 : 3;
  std::size_t at = 2;
  header.width = read_number(file, at);
  header.height = read_number(file, at);
  header.maximum = read_number(file, at);
  check_size(header.width, header.height, limits);
  if (header.maximum < 1 || header.maximum > 65535)
    throw Error("corrupt PNM: maximum value outside 1..65535");
  if (at >= file.size() || !is_space(file[at])) throw Error("corrupt PNM: premature end of the header");
  header.data = at + 1;
  return header;
}

}  // namespace

ImageHeader pnm_header(Bytes file, const ImageLimits& limits) {
  const PnmHeader header = parse(file, limits);
  return {.width = static_cast<int>(header.width),
          .height = static_cast<int>(header.height),
          .channels = header.channels,
          .notes = {}};
}

Decoded decode_pnm(Bytes file, const ImageLimits& limits) {
  const PnmHeader header = parse(file, limits);
  const std::size_t samples = static_cast<std::size_t>(header.width * header.height * header.channels);
  const std::size_t width = header.maximum > 255 ? 2 : 1;  // bytes per sample, most significant first
  if ((file.size() - header.data) / width < samples) throw Error("corrupt PNM: premature end of the file");

  Decoded decoded;
  Image& image = decoded.image;
  image.width = static_cast<int>(header.width);
  image.height = static_cast<int>(header.height);
  image.channels = header.channels;
  image.pixels.resize(samples);
  const std::uint8_t* from = file.data() + header.data;
  for (std::size_t i = 0; i < samples; ++i) {
    const std::int64_t value = width == 1 ? from[i] : from[2 * i] << 8 | from[2 * i + 1];
    const std::int64_t scaled = (value * 255 + header.maximum / 2) / header.maximum;
    image.pixels[i] = static_cast<std::uint8_t>(scaled > 255 ? 255 : scaled);
  }
  return decoded;
}

}  // namespace thaw::image_detail
