// Concatenation along the channels (torch.cat(parts, 1)).
#pragma once

#include <vector>

#include "layers/module.h"

namespace thaw {

// [N,C1,H,W], [N,C2,H,W], ... -> [N,C1+C2+...,H,W], or rows [N,F1], [N,F2], ... likewise. dy's slices
// accumulate into the parts. Throws Error if there are no parts or if they differ in more than their
// channels.
Variable concat(const std::vector<Variable>& parts, const std::string& module);

}  // namespace thaw
