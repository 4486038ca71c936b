// Weights by a formula: the same as tests/golden/resnet_nets.py computes.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/state_dict.h"
#include "tensor/tensor.h"

namespace thaw::test::formula {

inline std::uint64_t fnv1a(const std::string& text) {
  std::uint64_t key = 0xCBF29CE484222325u;
  for (const char c : text) key = (key ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return key;
}

// splitmix64 (Steele et al. 2014) of key + i.
inline std::uint64_t bits(std::uint64_t key, std::uint64_t i) {
  std::uint64_t z = (key + i) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// `count` values shift + scale * u with u in [-1, 1), in PyTorch's order.
inline std::vector<float> uniform(const std::string& name, std::int64_t count, double shift, double scale) {
  std::vector<float> values(static_cast<std::size_t>(count));
  const std::uint64_t key = fnv1a(name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double u = static_cast<double>(bits(key, i) >> 40) * 0x1p-23 - 1.0;
    values[i] = static_cast<float>(shift + u * scale);
  }
  return values;
}

inline Tensor value(const std::string& name, const Shape& shape) {
  const std::string last = name.substr(name.rfind('.') + 1);
  double shift = 0.0, scale = 0.1;
  if (shape.rank() == 4) {
    scale = std::sqrt(6.0 / static_cast<double>(shape[1] * shape[2] * shape[3]));
  } else if (shape.rank() == 2) {
    scale = 1.0 / std::sqrt(static_cast<double>(shape[1]));
  } else if (last == "running_var") {
    shift = 1.0, scale = 0.25;
  } else if (name.ends_with("bn3.weight")) {
    shift = 0.125, scale = 0.03125;
  } else if (last == "weight") {
    shift = 0.5, scale = 0.125;
  }
  return from_contiguous(uniform(name, shape.elements(), shift, scale), shape);
}

// A state dict of the same names and shapes as `like`; counters are left out.
inline StateDict weights(const StateDict& like) {
  StateDict result;
  for (const auto& [name, tensor] : like)
    if (tensor.dtype() == DType::f32) result.add(name, value(name, tensor.shape()));
  return result;
}

}  // namespace thaw::test::formula
