#include "io/file/text.h"

namespace thaw {
namespace {

// Length of the well-formed sequence at the front of `text`; 0: malformed.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0u) != 0x80u) return 0;
  const unsigned second = byte(1);
  if (first == 0xe0 && second < 0xa0) return 0;
  if (first == 0xed && second > 0x9f) return 0;
  if (first == 0xf0 && second < 0x90) return 0;
  if (first == 0xf4 && second > 0x8f) return 0;
  return length;
}

}  // namespace

namespace {

// The code point of a well-formed sequence of three bytes.
unsigned three_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  return (byte(0) & 0x0fu) << 12 | (byte(1) & 0x3fu) << 6 | (byte(2) & 0x3fu);
}

// Unicode's explicit directional marks: 200E, 200F, 202A to 202E, 2066 to 2069 (061C has two bytes).
bool turns_direction(unsigned code) {
  return code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t longest) {
  constexpr const char* digits = "0123456789abcdef";
  const bool cut = text.size() > longest;
  if (cut) text = text.substr(0, longest);
  std::string out;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    // C1 controls are two bytes in UTF-8 and some terminals obey them.
    const bool c1 = length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    if (length == 0 || first < 0x20 || first == 0x7f || c1) {
      out += "\\x";
      out += digits[first >> 4];
      out += digits[first & 15];
      text.remove_prefix(1);
    } else if (length == 2 && text.starts_with("\xd8\x9c")) {
      out += "\\u061c";
      text.remove_prefix(length);
    } else if (length == 3 && turns_direction(three_bytes(text))) {
      const unsigned code = three_bytes(text);
      out += "\\u20";
      out += digits[code >> 4 & 15];
      out += digits[code & 15];
      text.remove_prefix(length);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return cut ? out + "..." : out;
}

}  // namespace thaw
