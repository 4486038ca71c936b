// torch.flatten(x, 1): [N,C,H,W] -> [N, C*H*W] in PyTorch's C,H,W order.
#pragma once

#include "layers/module.h"

namespace thaw {

// dx accumulates.
Variable flatten(const Variable& x, const std::string& module);

class Flatten : public Module {
 public:
  Variable forward(const Variable& x, Mode) override { return flatten(x, path()); }
};

}  // namespace thaw
