// Small synthetic pictures of shapes: what make_shapes writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/picture/image.h"

namespace thaw {

// The classes of a task ("pretrain" or "transfer"; no class is in both). Throws Error on another name.
const std::vector<std::string>& shape_classes(const std::string& task);

// One RGB picture of `size` x `size`: the named shape filled with a random colour, at a random place, scale
// and angle, on a background that runs from one colour to another, with a few small dots beside it and noise
// over all. The colours say nothing about the class. Depends on (name, size, seed, number) only; `number`
// counts the pictures of a class. Throws Error on an unknown name.
Image draw_shape(const std::string& name, int size, std::uint64_t seed, std::uint32_t number);

}  // namespace thaw
