// Asks the real cuDNN, on a machine without a GPU, which engines a described device has for Thaw's
// convolution graphs. Prints one line per graph; exit code 1 if a graph has none that keeps Thaw's limits. It
// needs a libcuda.so.1 on the library path: a link to the toolkit's stub will do.
#include <cstdio>
#include <string>

#include "kernels/cuda/conv2d_graph.h"
#include "kernels/error.h"

namespace {

using namespace thaw;
using namespace thaw::cuda;

std::string description(int compute_capability, int multiprocessors, int shared_optin,
                        int threads_per_block_sm, const char* name) {
  return "{\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],\"regsPerBlock\":65536,"
         "\"multiProcessorCount\":" +
         std::to_string(multiprocessors) +
         ",\"warpSize\":32,\"maxSharedMemoryPerBlock\":49152,\"maxSharedMemoryPerBlockOptin\":" +
         std::to_string(shared_optin) +
         ",\"reservedSharedMemoryPerBlock\":1024,\"maxRegistersPerSM\":65536,\"maxCtasPerSM\":32,"
         "\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":" +
         std::to_string(threads_per_block_sm) +
         ",\"pciDeviceId\":0,\"isTccDriver\":0,\"supportCoopLaunch\":1,\"deviceVer\":" +
         std::to_string(compute_capability) +
         ",\"driverVer\":13000,\"smClockRateKHz\":1980000,\"memClockRateKHz\":2619000,\"l2CacheSize\":"
         "52428800,"
         "\"deviceName\":\"" +
         name + "\",\"cudaDeviceId\":0,\"totalGlobalMem\":85017755648}";
}

struct Geometry {
  const char* name;
  std::int64_t in, out, size, kernel, stride, padding;
};

const Geometry geometries[] = {
    {"stem 7x7/2", 8, 64, 224, 7, 2, 3},    {"3x3", 64, 64, 56, 3, 1, 1},
    {"3x3/2", 128, 128, 56, 3, 2, 1},       {"1x1", 64, 256, 56, 1, 1, 0},
    {"1x1/2", 256, 512, 56, 1, 2, 0},       {"3x3 deep", 512, 512, 7, 3, 1, 1},
    {"cifar stem 3x3", 3, 16, 32, 3, 1, 1}, {"cifar 3x3", 16, 16, 32, 3, 1, 1},
    {"cifar 3x3/2", 16, 32, 32, 3, 2, 1},
};

ConstView view(DType type, std::int64_t n, std::int64_t size, std::int64_t channels) {
  ConstView v;
  v.type = type;
  v.n = n;
  v.h = v.w = size;
  v.c = v.pitch = channels;
  return v;
}

std::size_t count(const char* device_name, const Descriptor& device, const Geometry& g, DType type,
                  std::int64_t batch, const char* graph_name) {
  Conv2dSpec spec{.in = g.in, .out = g.out, .kernel_h = g.kernel, .kernel_w = g.kernel, .stride = g.stride};
  spec.padding = g.padding;
  const ConstView x = view(type, batch, g.size, g.in), y = view(type, batch, spec.out_h(g.size), g.out);
  const std::string what = graph_name;
  const EngineLimits limits{.tensor_cores = type != DType::f32, .deterministic = true};
  std::size_t found = 0;
  std::string refusal;
  try {
    GraphBuilder builder;
    ConstView residual;
    if (what == "forward+bias+add+relu") {
      residual = y;
      residual.data = reinterpret_cast<const void*>(std::uintptr_t{256});  // only its alignment is looked at
    }
    const bool fused = what != "forward";
    const Descriptor graph = what == "dgrad" ? data_gradient_graph(builder, spec, x, type, y)
                             : what == "wgrad"
                                 ? weight_gradient_graph(builder, spec, x, y)
                                 : forward_graph(builder, spec, x, type, fused, residual,
                                                 fused ? Activation::relu : Activation::none, y);
    found = engine_configurations(graph, device, limits).size();
  } catch (const Error& error) {
    refusal = error.what();
  }
  std::printf("%s\t%s\t%s\t%lld\t%s\t%zu\t%s\n", device_name, g.name, dtype_name(type),
              static_cast<long long>(batch), graph_name, found, refusal.c_str());
  return found;
}

}  // namespace

int main() {
  std::printf("device\tconvolution\ttype\tbatch\tgraph\tconfigurations\trefusal\n");
  int missing = 0;
  try {
    const std::pair<const char*, Descriptor> devices[] = {
        {"sm_90", device_described(description(900, 132, 232448, 2048, "NVIDIA H100 80GB HBM3"))},
        {"sm_80", device_described(description(800, 108, 166912, 2048, "NVIDIA A100-SXM4-80GB"))}};
    for (const auto& [name, device] : devices)
      for (const Geometry& g : geometries)
        for (const DType type : {DType::f32, DType::bf16})
          for (const std::int64_t batch : {1, 32})
            for (const char* graph :
                 {"forward", "forward+bias+relu", "forward+bias+add+relu", "dgrad", "wgrad"})
              if (count(name, device, g, type, batch, graph) == 0) ++missing;
  } catch (const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "%d graphs without an engine\n", missing);
  return missing == 0 ? 0 : 1;
}
