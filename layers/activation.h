// Rectified linear unit (torch.nn.ReLU).
#pragma once

#include "layers/module.h"

namespace thaw {

// y = max(x, 0). dx = dy where y > 0, accumulates.
Variable relu(const Variable& x, const std::string& module);

class ReLU : public Module {
 public:
  Variable forward(const Variable& x, Mode) override { return relu(x, path()); }
};

}  // namespace thaw
