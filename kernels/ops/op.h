// What the files of this folder share: what an op costs, and the words in which it refuses a malformed call.
//
// An op is a struct: named fields; `name`, for messages; check(), which throws Error where shapes or types do
// not fit, the same on every backend; cost(). Conventions that hold for every op:
// - Activations are views (kernels/views.h): NHWC with a pixel pitch, f32 or bf16.
// - Parameters, statistics, sums and losses are f32. All accumulation is in f32 or wider.
// - Gradient outputs say ASSIGNS or ADDS; a field `into` chooses.
// - A null gradient pointer means "not wanted".
// - Inputs and outputs do not overlap unless the op says "in place allowed".
// - Equal inputs give equal bits on one device with one number of threads.
// - A field without a default has to be given; g++ -Wextra warns where it is forgotten.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "kernels/views.h"

namespace thaw {

// What an op costs at least, however it is computed.
struct Cost {
  // Multiplications and additions of convolutions and matrix products, 2 per multiply-add; 0 for the other
  // ops, whose time is that of their bytes.
  std::int64_t flops = 0;
  std::int64_t read = 0, written = 0;  // bytes that must be moved, each once
};

namespace checks {

// A view and what its op calls it.
struct Named {
  const char* name;
  ConstView view;
};

// "x [2, 3, 8, 8]": in PyTorch's order, [N, C, H, W].
std::string text(const Named& view);

// Throws Error("op: what").
[[noreturn]] void refuse(const char* op, const std::string& what);

// Each throws Error that names `op` unless it holds.
void same_shape(const char* op, const Named& a, const Named& b);
void activations(const char* op, const Named& view);                   // f32 or bf16
void activations(const char* op, std::initializer_list<Named> views);  // and all of one type; null ones pass
void not_negative(const char* op, const char* what, std::int64_t value);

}  // namespace checks
}  // namespace thaw
