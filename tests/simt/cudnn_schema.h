// Which attributes each of cuDNN's descriptors takes.
#pragma once

#include <cudnn_backend.h>

#include <cstdint>
#include <map>
#include <vector>

namespace simt::cudnn {

// cuDNN's own names are long.
inline constexpr auto type_data = CUDNN_TYPE_DATA_TYPE;
inline constexpr auto type_int = CUDNN_TYPE_INT64;
inline constexpr auto type_bool = CUDNN_TYPE_BOOLEAN;
inline constexpr auto type_float = CUDNN_TYPE_FLOAT;
inline constexpr auto type_desc = CUDNN_TYPE_BACKEND_DESCRIPTOR;
inline constexpr auto type_pointer = CUDNN_TYPE_VOID_PTR;

struct Rule {
  int name;
  cudnnBackendAttributeType_t type;
  std::int64_t most;
  bool required;
};

// By cudnnBackendDescriptorType_t.
const std::map<int, std::vector<Rule>>& schema();

}  // namespace simt::cudnn
