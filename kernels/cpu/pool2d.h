// What the ops that pool share.
#pragma once

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

// Rows of the written side that are worth a thread of their own.
inline Index row_grain(const ConstView& out) {
  return std::max<Index>(1, 2048 / std::max<Index>(1, out.w * out.c));
}

inline void check_kernel(const char* op, const Pool2dSpec& spec) {
  if (spec.kernel > 15)
    throw Error(std::string(op) + ": kernel " + std::to_string(spec.kernel) + " is above 15");
}

}  // namespace thaw::cpu
