// Budgets small enough for a fuzzer's memory.
#pragma once

#include "io/file/read_options.h"

namespace thaw::fuzz {

inline ReadOptions small_limits() {
  ReadOptions options;
  options.allow_nonfinite = true;
  options.convert_floats = false;
  options.limits.tensor_bytes = std::uint64_t{16} << 20;
  options.limits.pickle_values = 100'000;
  options.limits.pickle_opcodes = 200'000;
  options.limits.tensors = 1000;
  return options;
}

}  // namespace thaw::fuzz
