// What the readers of weight files accept, and how much of it.
#pragma once

#include <cstdint>

namespace thaw {

// Budgets that a hostile file cannot talk its way past. Exceeding one is an Error naming the limit.
struct ReadLimits {
  std::uint64_t file_bytes = std::uint64_t{8} << 30;
  std::uint64_t pickle_bytes = std::uint64_t{64} << 20;
  std::uint64_t pickle_opcodes = 8'000'000;
  std::uint64_t pickle_values = 2'000'000;  // arena nodes and container slots together
  std::uint64_t pickle_memo = 1'000'000;
  std::uint64_t zip_entries = 65'536;
  std::uint64_t zip_directory_bytes = std::uint64_t{64} << 20;
  std::uint64_t tensors = 100'000;
  std::uint64_t rank = 8;
  std::uint64_t key_bytes = 1024;
  std::uint64_t tensor_bytes = std::uint64_t{8} << 30;  // of all tensors together, after gathering views
  std::uint64_t safetensors_header_bytes = 100'000'000;
};

struct ReadOptions {
  bool convert_floats = true;  // f16, bf16 and f64 tensors become f32; false keeps the file's type
  bool allow_nonfinite =
      false;  // false: NaN or infinity in a floating tensor, or a negative running_var, is an Error
  bool check_name_hash = true;  // a file name like resnet18-5c106cde.pth promises the start of its SHA-256
  bool prefer_ema = false;      // take the averaged weights (state_dict_ema, model_ema) where a file has both
  ReadLimits limits;
};

}  // namespace thaw
