// Dropout with a mask that is a function of (seed, step, layer, element): the gradient is the same op on dy.
#pragma once

#include "kernels/ops/dropout.h"
#include "kernels/philox.h"
#include "kernels/reference/floats.h"

namespace thaw::reference {

// y = x / (1 - p) where kept, else 0; see DropoutForward for the mask. In place allowed.
template <class T>
void dropout(Image<const T> x, float p, std::uint32_t layer, const StepState& state, Image<T> y) {
  for (Index i = 0; i < x.pixels() * x.c; ++i) {
    const std::uint64_t block = (std::uint64_t{layer} << 40) + static_cast<std::uint64_t>(i) / 4;
    const PhiloxBits bits =
        philox(state.seed, Purpose::dropout, static_cast<std::uint32_t>(state.step), block);
    const bool kept = philox_uniform(bits.v[i % 4]) >= p;
    const auto value = static_cast<double>(x.pixel(i / x.c)[i % x.c]);
    y.pixel(i / x.c)[i % x.c] = static_cast<T>(kept ? value / (1.0 - static_cast<double>(p)) : 0.0);
  }
}

inline void run(const DropoutForward& op) {
  dropout<float>(Input(op.x), op.p, op.layer, *op.state, Output(op.y));
}

}  // namespace thaw::reference
