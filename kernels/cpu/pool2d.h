// What the ops that pool share.
#pragma once

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

// Rows of the written side that are worth a thread of their own.
inline Index row_grain(const ConstView& out) {
  return std::max<Index>(1, 2048 / std::max<Index>(1, out.w * out.c));
}

}  // namespace thaw::cpu
