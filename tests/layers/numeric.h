// Small helpers for tests of layers: filled tensors and central differences of a scalar function.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kernels/philox.h"
#include "tensor/variable.h"

namespace thaw::test {

// Uniform in [-1, 1), in PyTorch's order, keyed by `seed`.
inline std::vector<float> random_values(std::int64_t count, std::uint64_t seed) {
  PhiloxStream stream(seed, Purpose::test, 0, 0);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& v : values) v = 2.0f * stream.uniform() - 1.0f;
  return values;
}

inline Tensor random_tensor(Backend& backend, const Shape& shape, std::uint64_t seed) {
  return from_contiguous(random_values(shape.elements(), seed), shape).to(backend);
}

// sum_i a_i b_i of two tensors of one layout, in double.
inline double dot(const Tensor& a, const Tensor& b) {
  const Tensor x = a.to_host(), y = b.to_host();
  double sum = 0.0;
  for (std::int64_t i = 0; i < x.elements(); ++i)
    sum += static_cast<double>(x.as<float>()[i]) * static_cast<double>(y.as<float>()[i]);
  return sum;
}

// (f(t + h d) - f(t - h d)) / 2h; t is restored. f reads t's memory.
inline double central_difference(const Tensor& t, const Tensor& direction, float h,
                                 const std::function<double()>& f) {
  Tensor target = t;
  const Tensor kept = t.to_host(), step = direction.to_host();
  const auto at = [&](float scale) {
    Tensor moved = Tensor::empty_host(t.shape());
    for (std::int64_t i = 0; i < t.elements(); ++i)
      moved.as<float>()[i] = kept.as<float>()[i] + scale * step.as<float>()[i];
    target.copy_from(moved);
    return f();
  };
  const double plus = at(h), minus = at(-h);
  target.copy_from(kept);
  return (plus - minus) / (2.0 * static_cast<double>(h));
}

inline std::vector<std::unique_ptr<Backend>> host_backends() {
  std::vector<std::unique_ptr<Backend>> list;
  for (const char* name : {"reference", "cpu"}) {
    try {
      list.push_back(make_backend(name));
    } catch (const Error&) {  // not in this build
    }
  }
  return list;
}

}  // namespace thaw::test
