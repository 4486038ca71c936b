// What a training step leaves, by name, held against another way to compute it.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "layers/module.h"

namespace thaw::test {

using StepResults = std::map<std::string, std::vector<float>>;

// Adds all buffers below `module`.
inline void add_buffers(StepResults& results, Module& module) {
  for (const Buffer* b : module.buffers())
    results[b->name] = b->value.dtype() == DType::f32
                           ? to_contiguous(b->value)
                           : std::vector{static_cast<float>(*b->value.as<std::int64_t>())};
}

// The same names and sizes, and of each tensor no value further off than `tolerance` times its largest one.
inline void check_near(const StepResults& results, const StepResults& expected, double tolerance) {
  REQUIRE(results.size() == expected.size());
  for (const auto& [name, values] : expected) {
    CAPTURE(name);
    REQUIRE(results.contains(name));
    const std::vector<float>& got = results.at(name);
    REQUIRE(got.size() == values.size());
    double scale = 0.0, most = 0.0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      scale = std::max(scale, std::abs(static_cast<double>(values[i])));
      const double d = std::abs(static_cast<double>(got[i]) - static_cast<double>(values[i]));
      if (!(d <= most)) most = d;  // NaN stays
    }
    CHECK(most <= tolerance * scale);
  }
}

}  // namespace thaw::test
