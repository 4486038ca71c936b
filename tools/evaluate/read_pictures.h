// Picture files as a network's evaluation sees them.
#pragma once

#include <span>
#include <string>

#include "io/picture/transform.h"
#include "tensor/tensor.h"

namespace thaw {

// u8 [N,C,S,S] in host memory, read by `threads` threads. Throws the Error of the first file that cannot be read.
Tensor read_pictures(std::span<const std::string> files, const Preprocess& preprocess, int threads);

}  // namespace thaw
