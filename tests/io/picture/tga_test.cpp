// TGA: every kind that is read, and that no bit of a picture comes from anywhere but its file.
#include <doctest/doctest.h>

#include "tests/io/picture/image_files.h"
#include "tests/io/picture/poisoned_stack.h"

using namespace thaw;
using namespace thaw::test;

namespace {

struct TgaKind {
  int type = 2, bits = 24, width = 2, height = 1;
  int map_first = 0, map_count = 0, map_bits = 24, id = 0;
  int descriptor = 0x20;  // rows from the top
  int map_type = -1;      // -1: 1 where there is a map
};

// `rest`: map and pixels.
FileBytes tga(const TgaKind& k, const FileBytes& rest) {
  const auto low = [](int v) { return static_cast<std::uint8_t>(v); };
  const auto high = [](int v) { return static_cast<std::uint8_t>(v >> 8); };
  const int map = k.map_type >= 0 ? k.map_type : k.map_count > 0 ? 1 : 0;
  FileBytes out{low(k.id),
                low(map),
                low(k.type),
                low(k.map_first),
                high(k.map_first),
                low(k.map_count),
                high(k.map_count),
                low(k.map_bits),
                0,
                0,
                0,
                0,
                low(k.width),
                high(k.width),
                low(k.height),
                high(k.height),
                low(k.bits),
                low(k.descriptor)};
  for (int i = 0; i < k.id; ++i) out.push_back(0x7f);
  for (const std::uint8_t byte : rest) out.push_back(byte);
  return out;
}

FileBytes pixels_of(const FileBytes& file) {
  return decode_image(file, 3, "a.tga").pixels;
}

}  // namespace

TEST_CASE("TGA: colour of 16, 24 and 32 bits, grey, maps, runs, the four origins") {
  CHECK(pixels_of(tga({}, {1, 2, 3, 4, 5, 6})) == FileBytes{3, 2, 1, 6, 5, 4});
  CHECK(pixels_of(tga({.id = 5}, {1, 2, 3, 4, 5, 6})) == FileBytes{3, 2, 1, 6, 5, 4});
  CHECK(pixels_of(tga({.bits = 32}, {1, 2, 3, 0, 4, 5, 6, 9})) == FileBytes{3, 2, 1, 6, 5, 4});
  CHECK(pixels_of(tga({.bits = 16}, {0xff, 0xff, 0x00, 0x40})) == FileBytes{255, 255, 255, 131, 0, 0});
  CHECK(pixels_of(tga({.type = 3, .bits = 8}, {7, 9})) == FileBytes{7, 7, 7, 9, 9, 9});
  CHECK(pixels_of(tga({.type = 3, .bits = 16}, {7, 255, 9, 0})) == FileBytes{7, 7, 7, 9, 9, 9});
  const FileBytes map{1, 2, 3, 40, 50, 60};
  const auto with_map = [&](const FileBytes& indices) { return inserted(indices, 0, map); };
  CHECK(pixels_of(tga({.type = 1, .bits = 8, .map_count = 2}, with_map({1, 0}))) ==
        FileBytes{60, 50, 40, 3, 2, 1});
  // The map holds the entries from 10 on.
  CHECK(pixels_of(tga({.type = 1, .bits = 8, .map_first = 10, .map_count = 2}, with_map({11, 10}))) ==
        FileBytes{60, 50, 40, 3, 2, 1});
  CHECK(pixels_of(tga({.type = 1, .bits = 16, .map_count = 2}, with_map({1, 0, 0, 0}))) ==
        FileBytes{60, 50, 40, 3, 2, 1});
  CHECK(pixels_of(tga({.type = 1, .bits = 8, .map_count = 1, .map_bits = 16}, {0x00, 0x7c, 0, 0})) ==
        FileBytes{255, 0, 0, 255, 0, 0});
  CHECK(pixels_of(tga({.type = 2, .map_count = 2}, with_map({1, 2, 3, 4, 5, 6}))) ==
        FileBytes{3, 2, 1, 6, 5, 4});
  CHECK(pixels_of(tga({.type = 10, .width = 3}, {0x81, 1, 2, 3, 0x00, 4, 5, 6})) ==
        FileBytes{3, 2, 1, 3, 2, 1, 6, 5, 4});
  const FileBytes two{1, 1, 1, 2, 2, 2};
  CHECK(pixels_of(tga({.width = 1, .height = 2, .descriptor = 0}, two)) == FileBytes{2, 2, 2, 1, 1, 1});
  CHECK(pixels_of(tga({.width = 1, .height = 2, .descriptor = 0x20}, two)) == FileBytes{1, 1, 1, 2, 2, 2});
  CHECK(pixels_of(tga({.descriptor = 0x10}, two)) == FileBytes{2, 2, 2, 1, 1, 1});
  CHECK(pixels_of(tga({.descriptor = 0x30}, two)) == FileBytes{2, 2, 2, 1, 1, 1});
}

TEST_CASE("TGA: what points outside the file's own colours and pixels is an error") {
  const FileBytes map{1, 2, 3, 40, 50, 60};
  const auto indexed = [&](const FileBytes& indices, int first = 0) {
    return decode_error(
        tga({.type = 1, .bits = 8, .map_first = first, .map_count = 2}, inserted(indices, 0, map)));
  };
  CHECK(has(indexed({0, 2}), "corrupt TGA: a pixel's index lies beyond the colour map"));
  CHECK(has(indexed({9, 10}, 10), "beyond the colour map"));
  CHECK(has(indexed({0}), "premature end"));
  CHECK(has(decode_error(tga({.type = 1, .bits = 8, .map_count = 200}, FileBytes(30))), "premature end"));
  CHECK(has(decode_error(tga({.type = 1, .bits = 8, .map_count = 2, .map_bits = 11}, FileBytes(30))), "TGA"));
  CHECK(has(decode_error(tga({.type = 10, .width = 3}, {0x81, 1, 2, 3, 0x00, 4, 5})), "premature end"));
  CHECK(has(decode_error(tga({.type = 10, .width = 3}, {0x81, 1, 2, 3})), "premature end"));
  CHECK(
      has(decode_error(tga({.type = 10, .width = 60000, .height = 60000}, FileBytes(30))), "over the limit"));
}

TEST_CASE("TGA: over the fields of the header, the same bits whatever the stack holds, or an error") {
  std::size_t read = 0;
  for (const int type : {1, 2, 3, 9, 10, 11})
    for (const int bits : {8, 15, 16, 24, 32})
      for (const int map_type : {0, 1})
        for (const int count : {0, 1, 3, 256, 65535})
          for (const int map_bits : {0, 8, 15, 16, 24, 32, 255})
            for (const int first : {0, 2, 65535})
              for (const int value : {0, 2, 131}) {
                const FileBytes file = tga({.type = type,
                                            .bits = bits,
                                            .width = 5,
                                            .height = 3,
                                            .map_first = first,
                                            .map_count = count,
                                            .map_bits = map_bits,
                                            .map_type = map_type},
                                           FileBytes(1200, static_cast<std::uint8_t>(value)));
                CAPTURE(type);
                CAPTURE(bits);
                CAPTURE(map_type);
                CAPTURE(count);
                CAPTURE(map_bits);
                read += same_on_every_stack(file) ? 1 : 0;
              }
  CHECK(read > 500);
}
