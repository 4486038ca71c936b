// A typed view of activations: what views.h's views become once their element type is known. The ops in this
// folder are templates over T = float or double, and say in plain loops what each op of kernels/op_list.h
// means. They add up in double and round each result to T once.
#pragma once

#include <cstdint>

#include "kernels/views.h"

namespace thaw::reference {

using Index = std::int64_t;

template <class T>
struct Image {
  T* data = nullptr;
  Index n = 0, h = 1, w = 1, c = 0, pitch = 0;  // as BasicView

  Index pixels() const { return n * h * w; }
  T* pixel(Index p) const { return data + p * pitch; }
  T* at(Index picture, Index y, Index x) const { return data + ((picture * h + y) * w + x) * pitch; }
  explicit operator bool() const { return data != nullptr; }
  operator Image<const T>() const { return {data, n, h, w, c, pitch}; }
};

// Writes or adds `value` as `into` says.
template <class T>
void put(T& to, double value, Into into) {
  to = static_cast<T>(into == Into::add ? static_cast<double>(to) + value : value);
}

// max(v, 0); NaN stays NaN.
inline double relu(double v) {
  return v < 0.0 ? 0.0 : v;
}

}  // namespace thaw::reference
