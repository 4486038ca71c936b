// Decoding over a stack that holds something: what a decoder leaves uninitialised shows in its pixels.
#pragma once

#include <doctest/doctest.h>

#include <cstring>

#include "tests/io/picture/image_files.h"

namespace thaw::test {

// Fills the stack below the caller's frame.
[[gnu::noinline]] inline void poison_stack(std::uint8_t value) {
  volatile std::uint8_t block[32768];
  for (volatile std::uint8_t& byte : block) byte = value;
}

// Pixels, or the error.
[[gnu::noinline]] inline std::string verdict_over(std::uint8_t poison, const FileBytes& file) {
  poison_stack(poison);
  try {
    const Image image = decode_image(file, 3, "picture", {.pixels = 1 << 20});
    return "pixels " + std::string(image.pixels.begin(), image.pixels.end());
  } catch (const Error& e) {
    return e.what();
  }
}

// Checks that several stacks give one verdict. Returns whether it is a picture.
inline bool same_on_every_stack(const FileBytes& file) {
  const std::string first = verdict_over(0, file);
  for (const int poison : {0xff, 0x5a, 0x81})
    CHECK((verdict_over(static_cast<std::uint8_t>(poison), file) == first));
  return first.starts_with("pixels ");
}

}  // namespace thaw::test
