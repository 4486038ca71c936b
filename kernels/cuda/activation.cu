#include "kernels/cuda/map.h"
#include "kernels/cuda/ops.h"

namespace thaw::cuda {
namespace {

struct Relu {
  __device__ float operator()(std::int64_t, float x) const { return x <= 0.0f ? 0.0f : x; }  // NaN stays NaN
};

struct ReluGradient {
  __device__ float operator()(std::int64_t, float dy, float y) const { return y > 0.0f ? dy : 0.0f; }
};

}  // namespace

void relu_forward(const Queue& queue, ConstView x, View y) {
  with_type("relu_forward", y.type, [&](auto type) {
    using T = decltype(type);
    if (x.type != y.type) throw Error("relu_forward: x and y have different types");
    map<T, T>(queue, "relu_forward", Relu{}, y, x);
  });
}

void relu_backward(const Queue& queue, ConstView dy, ConstView y, View dx) {
  with_type("relu_backward", dx.type, [&](auto type) {
    using T = decltype(type);
    if (dy.type != dx.type || y.type != dx.type)
      throw Error("relu_backward: dy, y and dx have different types");
    map<T, T, T>(queue, "relu_backward", ReluGradient{}, dx, dy, y);
  });
}

}  // namespace thaw::cuda
