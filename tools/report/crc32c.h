// The checksum of TensorFlow's record files: CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected).
#pragma once

#include <cstdint>
#include <string_view>

namespace thaw {

std::uint32_t crc32c(std::string_view bytes);

// As record files store it, so that a checksum of bytes that hold checksums is no worse.
std::uint32_t masked_crc32c(std::string_view bytes);

}  // namespace thaw
