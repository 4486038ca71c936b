#include "kernels/reference/floats.h"

namespace thaw::reference {
namespace {

template <class V>
std::vector<float> widened(const V& view) {
  std::vector<float> values(static_cast<std::size_t>(view.elements()));
  const auto* from = static_cast<const bf16*>(view.data);
  for (Index p = 0; p < view.pixels(); ++p) {
    for (Index c = 0; c < view.c; ++c) {
      values[static_cast<std::size_t>(p * view.c + c)] = static_cast<float>(from[p * view.pitch + c]);
    }
  }
  return values;
}

// Weights as one row of `count` values.
ConstView row_of(const Weights& weight, Index count) {
  ConstView row;
  row.data = weight.data;
  row.type = weight.type;
  row.n = 1;
  row.c = row.pitch = count;
  return row;
}

}  // namespace

Input::Input(const ConstView& view) {
  if (!view) return;
  image_ = {static_cast<const float*>(view.data), view.n, view.h, view.w, view.c, view.pitch};
  if (view.type == DType::f32) return;
  values_ = widened(view);
  image_.data = values_.data();
  image_.pitch = view.c;
}

Input::Input(const Weights& weight, Index count) : Input(row_of(weight, count)) {}

Output::Output(const View& view) : view_(view) {
  if (!view) return;
  image_ = {static_cast<float*>(view.data), view.n, view.h, view.w, view.c, view.pitch};
  if (view.type == DType::f32) return;
  values_ = widened(view);
  image_.data = values_.data();
  image_.pitch = view.c;
}

Output::~Output() {
  if (!view_ || view_.type == DType::f32) return;
  auto* to = static_cast<bf16*>(view_.data);
  for (Index p = 0; p < view_.pixels(); ++p) {
    for (Index c = 0; c < view_.c; ++c) to[p * view_.pitch + c] = bf16(image_.pixel(p)[c]);
  }
}

}  // namespace thaw::reference
