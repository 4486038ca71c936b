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

template <>
void run(const Queue& queue, const ReluForward& op, Workspace) {
  with_type(op.name, op.y.type, [&](auto type) {
    using T = decltype(type);
    map<T, T>(queue, op.name, Relu{}, op.y, op.x);
  });
}

template <>
void run(const Queue& queue, const ReluBackward& op, Workspace) {
  with_type(op.name, op.dx.type, [&](auto type) {
    using T = decltype(type);
    map<T, T, T>(queue, op.name, ReluGradient{}, op.dx, op.dy, op.y);
  });
}

}  // namespace thaw::cuda
