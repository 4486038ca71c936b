#include "kernels/cuda/map.h"
#include "kernels/cuda/ops.h"

namespace thaw::cuda {
namespace {

struct Identity {
  __device__ float operator()(std::int64_t, float x) const { return x; }
};

struct Sum {
  __device__ float operator()(std::int64_t, float a, float b) const { return a + b; }
};

}  // namespace

template <>
void run(const Queue& queue, const Copy& op, Workspace) {
  with_type(op.name, op.x.type, [&](auto from) {
    with_type(op.name, op.y.type, [&](auto to) {
      using X = decltype(from);
      using Y = decltype(to);
      if (op.into == Into::add)
        map<Y, X, Y>(queue, op.name, Sum{}, op.y, op.x, ConstView(op.y));
      else
        map<Y, X>(queue, op.name, Identity{}, op.y, op.x);
    });
  });
}

template <>
void run(const Queue& queue, const Add& op, Workspace) {
  with_type(op.name, op.y.type, [&](auto type) {
    using T = decltype(type);
    map<T, T, T>(queue, op.name, Sum{}, op.y, op.a, op.b);
  });
}

}  // namespace thaw::cuda
