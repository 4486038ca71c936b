// Reading golden files and holding networks against them. tests/golden says how the numbers were made and
// what "distance" is.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tensor/parameter.h"
#include "tests/models/formula.h"

namespace thaw::test::golden {

using nlohmann::json;

constexpr double allowed = 4.0;  // times PyTorch-f32's own distance from PyTorch-f64

// tests/golden/NAME.json
inline json read(const std::string& name) {
  std::ifstream file(std::string(THAW_SOURCE_DIR) + "/tests/golden/" + name + ".json");
  REQUIRE(file);
  return json::parse(file);
}

inline double distance(const std::vector<double>& got, const json& expected) {
  REQUIRE(got.size() == expected.size());
  double most = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double d = std::abs(got[i] - expected[i].get<double>());
    if (!(d <= most)) most = d;  // NaN stays
  }
  return most;
}

inline std::vector<double> doubles(const Tensor& tensor) {
  const std::vector<float> values = to_contiguous(tensor);
  return {values.begin(), values.end()};
}

// `expected`: norm, 8 projections and some elements of one tensor, with their distances. The elements are
// chosen by `name`.
inline void check_tensor(const std::string& name, const Tensor& tensor, const json& expected) {
  CAPTURE(name);
  const std::vector<float> t = to_contiguous(tensor);
  std::vector<double> sums(9, 0.0), elements;
  const std::uint64_t key = formula::fnv1a("projection");
  for (std::size_t i = 0; i < t.size(); ++i) {
    const std::uint64_t bits = formula::bits(key, i);
    for (std::size_t k = 0; k < 8; ++k) sums[k] += (bits >> (56 + k)) & 1 ? t[i] : -t[i];
    sums[8] += static_cast<double>(t[i]) * t[i];
  }
  sums[8] = std::sqrt(sums[8]);
  const std::uint64_t element_key = formula::fnv1a(name + "/elements");
  for (std::uint64_t k = 0; k < expected["elements"].size(); ++k)
    elements.push_back(t[formula::bits(element_key, k) % t.size()]);

  json expected_sums = expected["projections"];
  expected_sums.push_back(expected["norm"]);
  CHECK(distance(sums, expected_sums) <= allowed * expected["sum_distance"].get<double>());
  CHECK(distance(elements, expected["elements"]) <= allowed * expected["element_distance"].get<double>());
}

// Every trainable parameter's gradient, by name; none may be missing.
inline void check_gradients(const ParameterArenas& arenas, const json& expected) {
  CHECK(arenas.trainable().size() == expected.size());
  for (const Parameter* p : arenas.trainable()) {
    REQUIRE(expected.contains(p->name));
    check_tensor(p->name, p->grad, expected[p->name]);
  }
}

inline void check_loss(const json& losses, std::size_t step, double loss) {
  CHECK(std::abs(loss - losses["values"][step].get<double>()) <=
        allowed * losses["distances"][step].get<double>());
}

// `expected` has values and one distance for all.
inline void check_values(const json& expected, const Tensor& tensor) {
  CHECK(distance(doubles(tensor), expected["values"]) <= allowed * expected["distance"].get<double>());
}

}  // namespace thaw::test::golden
