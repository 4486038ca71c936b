// y = f(x...) value by value over views with a pitch: the one kernel behind every element-wise op.
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.h"

namespace thaw::cuda {

// Pixels and, for each, groups of V channels. `packed` views are seen as one long pixel.
struct MapExtent {
  std::int64_t pixels = 0, groups = 0;
};

// All V inputs are read before any output is written, so that y may be one of the inputs. f(index, x...)
// takes the packed NHWC index of the value.
template <int V, class F, class Y, class... X>
__global__ void __launch_bounds__(block_threads)
    map_kernel(F f, MapExtent extent, Pixels<Y> y, Pixels<const X>... x) {
  const std::int64_t items = extent.pixels * extent.groups;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < items; i += step) {
    const std::int64_t pixel = extent.pixels == 1 ? 0 : i / extent.groups;
    const std::int64_t channel = (i - pixel * extent.groups) * V;
    const auto apply = [&](Vector<X, V>... in) {
      Vector<Y, V> out;
#pragma unroll
      for (int k = 0; k < V; ++k) assign(out.v[k], f(i * V + k, to_float(in.v[k])...));
      store<V>(y.data + pixel * y.pitch + channel, out);
    };
    apply(load<V>(x.data + pixel * x.pitch + channel)...);
  }
}

// Queues y = f(x...) for views of the shape of y; Y and X are their element types.
template <class Y, class... X, class F, class... Views>
void map(const Queue& queue, const char* op, F f, const View& y, const Views&... x) {
  if (y.elements() == 0) return;
  constexpr std::int64_t widest = std::max({sizeof(Y), sizeof(X)...});
  constexpr int vector = 16 / widest;
  const bool flat = y.packed() && (x.packed() && ...);
  const auto run = [&](auto width) {
    constexpr int V = decltype(width)::value;
    const MapExtent extent = flat ? MapExtent{1, y.elements() / V} : MapExtent{y.pixels(), y.c / V};
    launch(queue, op, map_kernel<V, F, Y, X...>, dim3(grid_for(queue, extent.pixels * extent.groups)), f,
           extent, Pixels<Y>{static_cast<Y*>(y.data), y.pitch},
           Pixels<const X>{static_cast<const X*>(x.data), x.pitch}...);
  };
  if (aligned_for(y, vector) && (aligned_for(x, vector) && ...))
    run(std::integral_constant<int, vector>{});
  else
    run(std::integral_constant<int, 1>{});
}

}  // namespace thaw::cuda
