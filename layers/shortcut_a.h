// Option-A shortcut of CIFAR ResNets (He et al. 2016, section 4.2): every second pixel, zero-padded channels.
#pragma once

#include "layers/module.h"

namespace thaw {

// [N,C,H,W] -> [N,out_channels,ceil(H/2),ceil(W/2)]; x's channels begin at (out_channels - C) / 2. dx
// accumulates.
Variable shortcut_a(const Variable& x, std::int64_t out_channels, const std::string& module);

}  // namespace thaw
