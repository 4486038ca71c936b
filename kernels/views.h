// Activations and weights as the ops see them: pointers with shape, layout and type.
#pragma once

#include <cstdint>

#include "kernels/dtype.h"
#include "kernels/error.h"

namespace thaw {

// A view of activations [N,H,W,C] in memory (logical [N,C,H,W]): pixel p = (n*h + y)*w + x begins at element
// p * pitch and holds `c` values. pitch > c: a channel slice of a wider buffer. Rows [N,F] are views with h =
// w = 1.
template <class Pointer>
struct BasicView {
  Pointer data = nullptr;
  DType type = DType::f32;
  std::int64_t n = 0, h = 1, w = 1, c = 0;
  std::int64_t pitch = 0;  // elements between neighbouring pixels, >= c

  std::int64_t pixels() const { return n * h * w; }
  std::int64_t elements() const { return pixels() * c; }
  std::int64_t bytes() const { return elements() * static_cast<std::int64_t>(item_size(type)); }
  bool packed() const { return pitch == c; }
  explicit operator bool() const { return data != nullptr; }
};

struct View : BasicView<void*> {};

struct ConstView : BasicView<const void*> {
  ConstView() = default;
  ConstView(const View& v) {
    data = v.data;
    type = v.type;
    n = v.n, h = v.h, w = v.w, c = v.c;
    pitch = v.pitch;
  }
  explicit ConstView(const BasicView<const void*>& v) : BasicView<const void*>(v) {}
};

// Weights in the activations' precision: a bf16 copy under bf16, else the f32 master.
struct Weights {
  const void* data = nullptr;
  DType type = DType::f32;
};

// Whether an output is overwritten or added to.
enum class Into : std::uint8_t { assign, add };

enum class Activation : std::uint8_t { none, relu };

}  // namespace thaw
