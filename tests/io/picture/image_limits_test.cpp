// The size limits hold where the decoders read sizes, whatever stands in front of them; only Error leaves a
// reader, with the file's name.
#include <doctest/doctest.h>

#include <sys/resource.h>

#include "tests/io/picture/image_files.h"

using namespace thaw;
using namespace thaw::test;

namespace {

FileBytes png_size(std::uint32_t width, std::uint32_t height, std::uint8_t depth = 1,
                   std::uint8_t colour = 0) {
  FileBytes header;
  append_u32(header, width);
  append_u32(header, height);
  header.insert(header.end(), {depth, colour, 0, 0, 0});
  return png_chunk("IHDR", header);
}

FileBytes joined(const std::vector<FileBytes>& parts) {
  FileBytes file;
  for (const FileBytes& part : parts) file.insert(file.end(), part.begin(), part.end());
  return file;
}

const FileBytes signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
const FileBytes ten_zeros{0x78, 0x9c, 0x63, 0x80, 0x01, 0x00, 0x00, 0x0a, 0x00, 0x01};  // zlib

FileBytes png_of(const std::vector<FileBytes>& before_data) {
  return joined({signature, joined(before_data), png_chunk("IDAT", ten_zeros), png_chunk("IEND", {})});
}

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// The message of any exception at all.
std::string refusal_of(const FileBytes& file, const ImageLimits& limits = {}) {
  try {
    decode_image(file, 3, "a.png", limits);
    return "";
  } catch (const Error& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("not an Error: ") + e.what();
  }
}

}  // namespace

TEST_CASE("PNG: no chunk hides the size from the limits") {
  const long before = peak_kilobytes();
  for (const char* hiding : {"tEXt", "eXIf", "acTL", "PLTE", "zTXt", "abCd"}) {
    CAPTURE(hiding);
    for (const std::uint32_t side : {40000u, 30000u, 2'000'000'000u, 0x7fffffffu, 0xffffffffu}) {
      const FileBytes file = png_of({png_chunk(hiding, {'a', 0, 'b'}), png_size(side, side)});
      const std::string message = refusal_of(file);
      CAPTURE(message);
      CHECK(message.starts_with("a.png: corrupt PNG: "));
      CHECK(has(error_of([&] { image_header(file, "a.png"); }), "a.png: corrupt PNG: "));
    }
  }
  CHECK(has(refusal_of(png_of({png_size(40000, 40000)})), "over the limit"));
  CHECK(has(refusal_of(png_of({png_size(4, 4), png_size(40000, 40000)})), "a.png: corrupt PNG"));
  CHECK(peak_kilobytes() - before < 50'000);
}

TEST_CASE("PNG: a limit of one's own holds too, and a picture on it is read") {
  const FileBytes file = make_png(pattern(40, 30, 3));
  CHECK(refusal_of(file, {.side = 40, .pixels = 1200}).empty());
  CHECK(has(refusal_of(file, {.pixels = 1199}), "over the limit"));
  CHECK(has(refusal_of(file, {.side = 39}), "over the limit"));
}

TEST_CASE("an error about a picture's size names no option that no program has") {
  for (const std::string& message : {refusal_of(png_of({png_size(40000, 40000)})),
                                     refusal_of(make_png(pattern(4, 4, 3)), {.file_bytes = 9})}) {
    CAPTURE(message);
    CHECK(has(message, "limit"));
    CHECK(!has(message, "--"));
  }
}
