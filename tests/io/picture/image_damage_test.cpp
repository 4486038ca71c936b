// Damaged, hostile and foreign files: an Error in time and little memory, never a crash, never silence.
#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "tests/io/picture/image_files.h"

using namespace thaw;
using namespace thaw::test;

namespace {

// Plain OK is the one wrong verdict for a file with its end cut off.
void check_truncations(const FileBytes& file, std::size_t step) {
  for (std::size_t length = 1; length + 2 < file.size(); length += step) {
    const FileBytes part(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length));
    const std::string first = decode_error(part), second = decode_error(part);
    CAPTURE(length);
    CHECK(first == second);
    CHECK(!first.empty());
  }
}

FileBytes png_start(std::uint32_t width, std::uint32_t height, std::uint8_t depth, std::uint8_t colour) {
  FileBytes header;
  append_u32(header, width);
  append_u32(header, height);
  header.insert(header.end(), {depth, colour, 0, 0, 0});
  FileBytes file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  return inserted(file, 8, png_chunk("IHDR", header));
}

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

std::size_t find_marker(const FileBytes& jpeg, std::uint8_t marker) {
  for (std::size_t i = 2; i + 1 < jpeg.size(); ++i) {
    if (jpeg[i] == 0xff && jpeg[i + 1] == marker) return i;
  }
  FAIL("marker not found");
  return 0;
}

}  // namespace

TEST_CASE("truncated files are refused, with the same verdict every time (I01)") {
  const Image image = pattern(48, 40, 3);
  check_truncations(make_jpeg(image), 64);
  check_truncations(make_jpeg(image, {.progressive = true}), 64);
  check_truncations(make_png(image), 64);
  check_truncations(make_png(image, true), 64);
  const FileBytes file = make_jpeg(image);
  CHECK(has(decode_error({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(file.size() / 2)}),
            "premature end"));
}

TEST_CASE("a JPEG without its end marker alone is whole, with a notice; strict refuses it") {
  for (const bool progressive : {false, true}) {
    FileBytes file = make_jpeg(pattern(48, 40, 3), {.progressive = progressive});
    const Image whole = decode_image(file, 3, "a.jpg");
    file.erase(file.end() - 2, file.end());
    const Image image = decode_image(file, 3, "a.jpg");
    CHECK(image.pixels == whole.pixels);
    REQUIRE(image.notes.size() == 1);
    CHECK(has(image.notes[0], "end marker"));
    CHECK(!decode_error(file, {.strict = true}).empty());
  }
}

TEST_CASE("a JPEG whose colours lie in scans of their own must hold all of them") {
  for (const bool progressive : {false, true}) {
    const FileBytes file = make_jpeg(pattern(48, 40, 3), {.progressive = progressive, .apart = !progressive});
    CHECK(decode_image(file, 3, "a.jpg").notes.empty());
    std::vector<std::size_t> scans;
    for (std::size_t i = 0; i + 1 < file.size(); ++i)
      if (file[i] == 0xff && file[i + 1] == 0xda) scans.push_back(i);
    REQUIRE(scans.size() >= 3);
    for (const std::size_t end : {scans[1], scans[2]})
      for (const bool marked : {false, true}) {
        FileBytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(end));
        if (marked) cut.insert(cut.end(), {0xff, 0xd9});
        CAPTURE(progressive);
        CAPTURE(end);
        if (progressive)  // the first scan of a progressive one holds some of every colour
          CHECK(has(decode_error(cut), marked ? "" : "premature end"));
        else
          CHECK(has(decode_error(cut), "colours are missing"));
      }
  }
}

TEST_CASE("extraneous bytes before a marker are a notice, or an error when strict") {
  const FileBytes clean = make_jpeg(pattern(16, 16, 3));
  const FileBytes file = inserted(clean, find_marker(clean, 0xc4), {1, 2, 3});
  const Image image = decode_image(file, 3, "a.jpg");
  CHECK(image.pixels == decode_image(clean, 3, "a.jpg").pixels);
  REQUIRE(image.notes.size() == 1);
  CHECK(has(image.notes[0], "extraneous"));
  CHECK(has(decode_error(file, {.strict = true}), "extraneous"));
}

TEST_CASE("foreign files are named (I02)") {
  CHECK(has(decode_error({}), "0 bytes"));
  CHECK(has(decode_error({0xff}), "unknown image format"));
  CHECK(has(decode_error(text_bytes("<!DOCTYPE html><html><body>Not found</body></html>")), "HTML"));
  CHECK(has(decode_error(text_bytes("GIF89a\x01")), "GIF"));
  CHECK(has(decode_error(text_bytes("RIFF....WEBPVP8 ")), "WebP"));
  CHECK(has(decode_error(text_bytes("....ftypavif....")), "AVIF"));
  CHECK(has(decode_error(text_bytes("....ftypheic....")), "HEIC"));
  CHECK(has(decode_error(text_bytes("version https://git-lfs.github.com/spec/v1\n")), "LFS"));
  CHECK(has(decode_error(text_bytes("GIF89a\x01")), "picture: "));
}

TEST_CASE("corrupt PNG files (I06)") {
  const PngKind kind{.colour = PNG_COLOR_TYPE_PALETTE, .palette = 4};
  CHECK(decode_error(make_png(2, 2, kind, {0, 1, 2, 3})).empty());
  CHECK(has(decode_error(make_png(2, 2, kind, {0, 1, 2, 4})), "palette"));

  const FileBytes palette = make_png(2, 2, kind, {0, 1, 2, 3});
  FileBytes without = palette;  // signature and IHDR are 33 bytes, PLTE with 4 entries 24
  without.erase(without.begin() + 33, without.begin() + 33 + 24);
  CHECK(has(decode_error(without), "PLTE"));

  const FileBytes good = make_png(pattern(20, 20, 3));
  FileBytes bad = good;
  bad[33 + 8 + 20] ^= 0x40;  // in IDAT's data
  CHECK(has(decode_error(bad), "corrupt PNG"));
  bad = good;
  bad[bad.size() - 12 - 4 - 1] ^= 1;  // the last byte of Adler's sum; the chunk's own checksum stays as it is
  CHECK(has(decode_error(bad), "corrupt PNG"));
  CHECK(has(decode_error(inserted(good, 33, {good.begin() + 8, good.begin() + 33})), "corrupt PNG"));
}

TEST_CASE("bombs are refused from the header, in little memory (I07)") {
  const long before = peak_kilobytes();
  CHECK(has(decode_error(inserted(png_start(16384, 16384, 1, 0), 33, png_chunk("IDAT", FileBytes(100)))),
            "over the limit"));
  CHECK(has(decode_error(png_start(16'777'216, 1, 8, 0)), "over the limit"));
  CHECK(has(decode_error(png_start(0, 1, 8, 0)), "no pixels"));
  FileBytes jpeg = make_jpeg(pattern(8, 8, 3));
  const std::size_t sof = find_marker(jpeg, 0xc0);
  for (const std::size_t at : {5, 6, 7, 8}) jpeg[sof + at] = at % 2 == 1 ? 0xff : 0xdc;  // 65500 x 65500
  CHECK(has(decode_error(jpeg), "over the limit"));

  for (const char* type : {"sPLT", "iCCP", "zTXt", "tEXt"}) {
    CAPTURE(type);
    CHECK(has(decode_error(inserted(png_start(4, 4, 8, 0), 33, png_chunk(type, FileBytes(3), 1'600'000'000))),
              "corrupt PNG"));
  }
  CHECK(peak_kilobytes() - before < 50'000);
}

TEST_CASE("the scans of a progressive JPEG are counted (I07)") {
  // The last refinement scan over and over.
  FileBytes file = make_jpeg(pattern(64, 64, 3), {.progressive = true});
  std::size_t last = 0;
  for (std::size_t i = 2; i + 1 < file.size(); ++i) {
    if (file[i] == 0xff && file[i + 1] == 0xda) last = i;
  }
  const FileBytes scan(file.begin() + static_cast<std::ptrdiff_t>(last), file.end() - 2);
  FileBytes many(file.begin(), file.end() - 2);
  for (int i = 0; i < 300; ++i) many.insert(many.end(), scan.begin(), scan.end());
  many.insert(many.end(), {0xff, 0xd9});
  CHECK(has(decode_error(many), "more than 200 scans"));
  CHECK(has(decode_error(file, {.jpeg_scans = 5}), "more than 5 scans"));
}

TEST_CASE("hostile JPEG tables and orders of markers (I13)") {
  const FileBytes good = make_jpeg(pattern(16, 16, 3));
  // A Huffman table that declares 16 x 255 codes.
  FileBytes table{0xff, 0xd8, 0xff, 0xc4, 0x00, 0x53, 0x00};
  table.resize(table.size() + 16, 255);
  table.resize(87, 0);
  CHECK(has(decode_error(table), "JPEG"));

  const std::size_t sof = find_marker(good, 0xc0);
  const std::size_t length = static_cast<std::size_t>(good[sof + 2] << 8 | good[sof + 3]) + 2;
  const FileBytes frame(good.begin() + static_cast<std::ptrdiff_t>(sof),
                        good.begin() + static_cast<std::ptrdiff_t>(sof + length));
  CHECK(has(decode_error(inserted(good, sof, frame)), "JPEG"));  // two frames
  FileBytes no_frame = good;
  no_frame.erase(no_frame.begin() + static_cast<std::ptrdiff_t>(sof),
                 no_frame.begin() + static_cast<std::ptrdiff_t>(sof + length));
  CHECK(has(decode_error(no_frame), "JPEG"));  // SOS before SOF
  FileBytes none = good;
  none[sof + 9] = 0;
  CHECK(has(decode_error(none), "JPEG"));  // 0 components
}

TEST_CASE("BMP, TGA and PNM that break off are refused") {
  FileBytes bmp(54);
  bmp[0] = 'B', bmp[1] = 'M', bmp[10] = 54, bmp[14] = 40, bmp[18] = 4, bmp[22] = 4, bmp[26] = 1, bmp[28] = 24;
  CHECK(has(decode_error(bmp), "premature end"));
  bmp.resize(54 + 48);
  CHECK(decode_error(bmp).empty());
  bmp[30] = 1;
  CHECK(has(decode_error(bmp), "compressed"));
  FileBytes tga(18 + 47);
  tga[2] = 2, tga[12] = 4, tga[14] = 4, tga[16] = 24;
  CHECK(has(decode_error(tga), "premature end"));
  tga[2] = 10;
  CHECK(has(decode_error(tga), "premature end"));
  CHECK(has(decode_error(text_bytes("P6 4 4 255\nabc")), "premature end"));
  CHECK(has(decode_error(text_bytes("P6 40000 4 255\nabc")), "over the limit"));
}

TEST_CASE("random damage never crashes and gives the same verdict twice") {
  const Image image = pattern(24, 20, 3);
  FileBytes bmp(54 + 48);
  bmp[0] = 'B', bmp[1] = 'M', bmp[10] = 54, bmp[14] = 40, bmp[18] = 4, bmp[22] = 4, bmp[26] = 1, bmp[28] = 24;
  FileBytes tga(18 + 200);
  tga[2] = 10, tga[12] = 4, tga[14] = 4, tga[16] = 24;
  std::uint32_t state = 1;
  const auto random = [&] { return state = state * 1664525u + 1013904223u, state >> 8; };
  for (const FileBytes& good :
       {make_jpeg(image), make_jpeg(image, {.progressive = true}), make_png(image), bmp, tga}) {
    for (int i = 0; i < 150; ++i) {
      FileBytes bad = good;
      for (int k = 0; k < 4; ++k) {
        const std::size_t reach = k < 2 ? std::min<std::size_t>(bad.size(), 64) : bad.size();
        bad[random() % reach] = static_cast<std::uint8_t>(random());
      }
      const ImageLimits limits{.pixels = 1 << 20};
      CHECK(decode_error(bad, limits) == decode_error(bad, limits));
    }
  }
}

TEST_CASE("what isn't a readable file is reported and never blocks (I11)") {
  const TempFolder folder;
  const std::string fifo = folder.path() + "/pipe.jpg", loop = folder.path() + "/loop.jpg";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  REQUIRE(::symlink("loop.jpg", loop.c_str()) == 0);
  CHECK(has(error_of([&] { read_image(fifo, 3); }), "not a regular file"));
  CHECK(has(error_of([&] { read_image(folder.path(), 3); }), "not a regular file"));
  CHECK(has(error_of([&] { read_image(loop, 3); }), "cannot open"));
  CHECK(has(error_of([&] { image_header(folder.path() + "/none.png"); }), "none.png: cannot open"));

  const FileBytes png = make_png(pattern(4, 4, 3));
  CHECK(read_image(folder.write("not\xff\xfeutf8.png", png), 3).width == 4);
  CHECK(read_image(folder.write(std::string(251, 'x') + ".png", png), 3).width == 4);
  CHECK(read_image(folder.write("new\nline.png", png), 3).width == 4);
  CHECK(has(error_of([&] { read_image(folder.write("new\nline.png", {}), 3); }),
            "new\\x0aline.png: empty file"));
  const std::string large = folder.write("large.png", FileBytes(2000));
  CHECK(has(error_of([&] { read_image(large, 3, {.file_bytes = 1000}); }), "over the limit"));
}
