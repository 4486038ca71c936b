// Text that comes out of files: checked, and made safe to show.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace thaw {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool valid_utf8(std::string_view text);

// For messages: control characters and malformed UTF-8 as \xNN, marks that turn the direction of writing as
// \uNNNN, cut after `longest` bytes. A name can neither drive the terminal nor pass for another one.
std::string printable(std::string_view text, std::size_t longest = 400);

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::span<const std::byte> as_byte_span(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace thaw
