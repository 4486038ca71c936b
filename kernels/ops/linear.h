// Linear layer as torch.nn.functional.linear. Views are rows: [N,1,1,F], or [N,H,W,F] with N*H*W of them.
#pragma once

#include "kernels/ops/op.h"

namespace thaw {

namespace checks {

// As many rows in `x` as in `y`.
inline void linear(const char* op, const Named& x, const Named& y) {
  if (x.view.pixels() != y.view.pixels())
    refuse(op, text(x) + " and " + text(y) + " differ in rows; give both as many");
}

// What a product with `weight` writes: f32, or the type of the weights, which is f32 or bf16.
inline void product(const char* op, const Weights& weight, const Named& y) {
  if (weight.type != DType::f32 && weight.type != DType::bf16)
    refuse(op, text(y) + " from weights of type " + dtype_name(weight.type) + "; use f32 or bf16");
  if (y.view.type != DType::f32 && y.view.type != weight.type)
    refuse(op, text(y) + " is " + dtype_name(y.view.type) + " and the weights are " +
                   dtype_name(weight.type) + "; make it f32 or of their type");
}

inline std::int64_t matrix_bytes(std::int64_t rows, std::int64_t columns, DType type) {
  return rows * columns * static_cast<std::int64_t>(item_size(type));
}

}  // namespace checks

// y[n,o] = sum_i x[n,i] weight[o,i] + bias[o]. ASSIGNS.
struct LinearForward {
  static constexpr const char* name = "linear_forward";
  ConstView x;                  // rows [N,I]; taken in the type of the weights
  Weights weight;               // [O,I] row-major
  const float* bias = nullptr;  // [O]
  View y;                       // rows [N,O], f32 or of the weights' type

  void check() const {
    checks::linear(name, {"x", x}, {"y", y});
    checks::activations(name, {"x", x});
    checks::activations(name, {"y", y});
    checks::product(name, weight, {"y", y});
  }
  Cost cost() const {
    return {.flops = 2 * x.elements() * y.c,
            .read = x.bytes() + checks::matrix_bytes(y.c, x.c, weight.type) + (bias ? 4 * y.c : 0),
            .written = y.bytes()};
  }
};

// dx[n,i] = sum_o dy[n,o] weight[o,i]. ASSIGNS.
struct LinearBackwardData {
  static constexpr const char* name = "linear_backward_data";
  ConstView dy;    // rows [N,O]; taken in the type of the weights
  Weights weight;  // [O,I] row-major
  View dx;         // rows [N,I], f32 or of the weights' type

  void check() const {
    checks::linear(name, {"dy", dy}, {"dx", dx});
    checks::activations(name, {"dy", dy});
    checks::activations(name, {"dx", dx});
    checks::product(name, weight, {"dx", dx});
  }
  Cost cost() const {
    return {.flops = 2 * dx.elements() * dy.c,
            .read = dy.bytes() + checks::matrix_bytes(dy.c, dx.c, weight.type),
            .written = dx.bytes()};
  }
};

// dweight[o,i] = sum_n dy[n,o] x[n,i]. ASSIGNS or ADDS as `into` says.
struct LinearBackwardWeight {
  static constexpr const char* name = "linear_backward_weight";
  ConstView x;     // rows [N,I]
  ConstView dy;    // rows [N,O]; taken in the type of x
  float* dweight;  // [O,I] row-major
  Into into;

  void check() const {
    checks::linear(name, {"x", x}, {"dy", dy});
    checks::activations(name, {"x", x});
    checks::activations(name, {"dy", dy});
  }
  Cost cost() const {
    const std::int64_t weights = checks::matrix_bytes(dy.c, x.c, DType::f32);
    return {.flops = 2 * x.elements() * dy.c,
            .read = x.bytes() + dy.bytes() + (into == Into::add ? weights : 0),
            .written = weights};
  }
};

}  // namespace thaw
