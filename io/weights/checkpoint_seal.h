// The checksum inside a checkpoint: SHA-256 of the file with the checksum's own digits as '0'.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "io/weights/safetensors.h"

namespace thaw {

inline constexpr const char* checkpoint_json_key = "thaw";
inline constexpr const char* checkpoint_hash_key = "thaw_sha256";

// Puts the checksum of `bytes` in place of its 64 zeros.
void seal_checkpoint(std::string& bytes);

// Throws Error when the checksum is missing or wrong.
void check_checkpoint_seal(std::span<const std::byte> bytes, const SafetensorsMetadata& metadata,
                           const std::string& file);

}  // namespace thaw
