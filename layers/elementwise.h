// Addition of two tensors of one shape.
#pragma once

#include "layers/module.h"

namespace thaw {

// y = a + b; dy accumulates into both.
Variable add(const Variable& a, const Variable& b, const std::string& module);

}  // namespace thaw
