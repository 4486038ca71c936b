#include "io/weights/checkpoint_seal.h"

#include <algorithm>

#include "io/file/sha256.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {
namespace {

constexpr std::size_t digits = 64;

// Where the digits stand. Keys are written sorted and the JSON text before them has its quotes escaped, so
// the first match outside that text is the real one.
std::size_t find_digits(std::string_view bytes) {
  const std::string pattern = std::string("\"") + checkpoint_hash_key + "\":\"";
  const std::size_t at = bytes.find(pattern);
  const std::size_t begin = at + pattern.size();
  if (at == std::string_view::npos || bytes.size() - begin < digits) return std::string_view::npos;
  return begin;
}

std::string hash_around(std::string_view bytes, std::size_t begin) {
  Sha256 hash;
  hash.update(as_byte_span(bytes.substr(0, begin)));
  hash.update(as_byte_span(std::string(digits, '0')));
  hash.update(as_byte_span(bytes.substr(begin + digits)));
  return hash.hex();
}

}  // namespace

void seal_checkpoint(std::string& bytes) {
  const std::size_t begin = find_digits(bytes);
  if (begin == std::string::npos) throw Error("checkpoint: there is no place for the checksum");
  bytes.replace(begin, digits, hash_around(bytes, begin));
}

void check_checkpoint_seal(std::span<const std::byte> bytes, const SafetensorsMetadata& metadata,
                           const std::string& file) {
  const auto wanted = metadata.find(checkpoint_hash_key);
  const std::size_t begin = find_digits(as_text(bytes));
  if (wanted == metadata.end() || begin == std::string_view::npos)
    throw Error(file + ": the checkpoint carries no checksum; it was changed after Thaw wrote it");
  if (hash_around(as_text(bytes), begin) != wanted->second)
    throw Error(file +
                ": the checkpoint's checksum is wrong: the file is damaged or was changed; use another one");
}

}  // namespace thaw
