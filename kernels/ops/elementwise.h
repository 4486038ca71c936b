// Copies and sums of activations.
#pragma once

#include "kernels/ops/op.h"

namespace thaw {

// y = x with pitches and types converted: packs, concatenates into a slice, casts f32 <-> bf16. ASSIGNS or
// ADDS as `into` says.
struct Copy {
  static constexpr const char* name = "copy";
  ConstView x;  // [N,H,W,C]
  View y;       // shape of x
  Into into = Into::assign;

  void check() const {
    checks::same_shape(name, {"x", x}, {"y", y});
    checks::activations(name, {"x", x});
    checks::activations(name, {"y", y});
  }
  Cost cost() const {
    return {.read = x.bytes() + (into == Into::add ? y.bytes() : 0), .written = y.bytes()};
  }
};

// y = a + b. ASSIGNS; in place allowed.
struct Add {
  static constexpr const char* name = "add";
  ConstView a;  // [N,H,W,C]
  ConstView b;  // shape of a
  View y;       // shape of a

  void check() const {
    checks::same_shape(name, {"a", a}, {"b", b});
    checks::same_shape(name, {"a", a}, {"y", y});
    checks::activations(name, {{"a", a}, {"b", b}, {"y", y}});
  }
  Cost cost() const { return {.read = a.bytes() + b.bytes(), .written = y.bytes()}; }
};

}  // namespace thaw
