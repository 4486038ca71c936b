// The JSON header of a safetensors file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/dtype.h"

namespace thaw {

struct SafetensorsEntry {
  std::string name;
  DType type = DType::f32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // within the data
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // sorted by place
  std::map<std::string, std::string> metadata;
};

// Parses and validates: JSON of exactly the expected form, no duplicate keys, extents that tile [0,
// data_bytes). Throws Error beginning with `file`.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes,
                                           const std::string& file);

const char* safetensors_type_name(DType type);  // "F32"

}  // namespace thaw
