// The part of the CUDA runtime that Thaw calls, on the emulator. NVIDIA's header gives every prototype. Work
// runs at once, or goes into the graph that its stream captures; the default stream is refused, since Thaw
// never means it.
#include <cuda_runtime.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "tests/simt/memory.h"
#include "tests/simt/simt.h"
#include "tests/simt/worker.h"

struct CUgraph_st {
  std::vector<std::function<void()>> operations;
};
struct CUgraphExec_st {
  std::vector<std::function<void()>> operations;
};
struct CUstream_st {
  CUgraph_st* capture = nullptr;
};
struct CUevent_st {};

namespace simt {
namespace {

struct Runtime {
  std::mutex mutex;  // guards `fault` and `sticky`: blocks report from several OS threads
  std::string fault;
  cudaError_t sticky = cudaSuccess, last = cudaSuccess;
};

Runtime& runtime() {
  static auto* instance = new Runtime;  // outlives every object of the program
  return *instance;
}

cudaError_t answer(cudaError_t error) {
  Runtime& r = runtime();
  if (error == cudaSuccess) error = r.sticky;
  if (error != cudaSuccess) r.last = error;
  return error;
}

bool copy_in_range(const void* to, const void* from, std::size_t bytes) {
  for (const void* pointer : {to, from})
    if (in_device_heap(pointer) && !device_range(pointer, bytes)) {
      report_fault("a copy of " + std::to_string(bytes) + " bytes leaves a live device allocation");
      return false;
    }
  return true;
}

}  // namespace

void report_fault(const std::string& text) {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  if (r.fault.empty()) r.fault = text;
  r.sticky = cudaErrorLaunchFailure;
}

std::string take_fault() {
  Runtime& r = runtime();
  r.sticky = r.last = cudaSuccess;
  return std::exchange(r.fault, {});
}

void fail_allocation_after(long count, long times) {
  DeviceMemory::instance().fail_after(count, times);
}
bool device_range(const void* pointer, std::size_t bytes) {
  return DeviceMemory::instance().contains(pointer, bytes);
}
bool in_device_heap(const void* pointer) {
  return DeviceMemory::instance().in_heap(pointer);
}

cudaError_t enqueue(cudaStream_t stream, std::function<void()> operation) {
  if (!stream || stream == cudaStreamLegacy || stream == cudaStreamPerThread) {
    report_fault("work on the default stream");
    return answer(cudaErrorInvalidResourceHandle);
  }
  if (runtime().sticky != cudaSuccess)
    return answer(cudaSuccess);  // after a fault the device runs nothing more
  if (stream->capture)
    stream->capture->operations.push_back(std::move(operation));
  else
    operation();
  return answer(cudaSuccess);
}

cudaError_t enqueue_launch(cudaStream_t stream, Launch launch) {
  const dim3 b = launch.block, g = launch.grid;
  const std::uint64_t threads = std::uint64_t{b.x} * b.y * b.z;
  const bool valid = threads > 0 && threads <= max_threads && b.z <= 64 && g.x > 0 && g.x <= 0x7fffffffu &&
                     g.y > 0 && g.y <= 65535 && g.z > 0 && g.z <= 65535;
  if (!valid) return answer(cudaErrorInvalidConfiguration);
  return enqueue(stream, [launch = std::move(launch)] {
    if (run_grid(launch)) DeviceMemory::instance().check_tails(launch.name.c_str());
  });
}

}  // namespace simt

using simt::answer;

extern "C" {

cudaError_t CUDARTAPI cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaSetDevice(int device) {
  return answer(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t CUDARTAPI cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = 1;  // few blocks, so that grid-stride loops loop
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = 9;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = 0;
      return cudaSuccess;
    default:
      return answer(cudaErrorNotSupported);
  }
}
cudaError_t CUDARTAPI cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "emulator");
  properties->major = 9;
  properties->multiProcessorCount = 1;
  properties->totalGlobalMem = simt::DeviceMemory::total;
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaMemGetInfo(size_t* available, size_t* total) {
  *total = simt::DeviceMemory::total;
  *available = *total - simt::DeviceMemory::instance().live();
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaMalloc(void** pointer, size_t size) {
  if (const cudaError_t error = answer(cudaSuccess)) return error;
  return answer(simt::DeviceMemory::instance().allocate(pointer, size));
}
cudaError_t CUDARTAPI cudaFree(void* pointer) {
  return answer(simt::DeviceMemory::instance().release(pointer));
}

cudaError_t CUDARTAPI cudaHostAlloc(void** pointer, size_t size, unsigned) {
  *pointer = std::malloc(size);
  return answer(*pointer ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t CUDARTAPI cudaFreeHost(void* pointer) {
  std::free(pointer);
  return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                                      cudaStream_t stream) {
  const bool to_device = simt::in_device_heap(to), from_device = simt::in_device_heap(from);
  const bool as_said = to_device == (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) &&
                       from_device == (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice);
  if (kind != cudaMemcpyDefault && !as_said) {
    simt::report_fault("a copy's pointer is not where its kind says");
    return answer(cudaErrorInvalidValue);
  }
  return simt::enqueue(stream, [=] {
    if (bytes > 0 && simt::copy_in_range(to, from, bytes)) std::memcpy(to, from, bytes);
  });
}
cudaError_t CUDARTAPI cudaMemsetAsync(void* pointer, int value, size_t bytes, cudaStream_t stream) {
  return simt::enqueue(stream, [=] {
    if (bytes > 0 && simt::copy_in_range(pointer, pointer, bytes)) std::memset(pointer, value, bytes);
  });
}

cudaError_t CUDARTAPI cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  if (flags != cudaStreamNonBlocking) simt::report_fault("a stream that waits for the default stream");
  *stream = new CUstream_st;
  return answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaStreamSynchronize(cudaStream_t stream) {
  return answer(stream && stream->capture ? cudaErrorStreamCaptureUnsupported : cudaSuccess);
}

// Work is done when it was queued, so an event has always happened.
cudaError_t CUDARTAPI cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaEventRecord(cudaEvent_t, cudaStream_t stream) {
  return simt::enqueue(stream, [] {});
}
cudaError_t CUDARTAPI cudaEventSynchronize(cudaEvent_t) {
  return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream->capture) return answer(cudaErrorIllegalState);
  stream->capture = new CUgraph_st;
  return answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = std::exchange(stream->capture, nullptr);
  return answer(*graph ? cudaSuccess : cudaErrorIllegalState);
}
cudaError_t CUDARTAPI cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                           unsigned long long) {
  *executable = new CUgraphExec_st{graph->operations};
  return answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  for (const auto& operation : executable->operations)
    if (const cudaError_t error = simt::enqueue(stream, operation)) return error;
  return answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaGetLastError() {
  return std::exchange(simt::runtime().last, simt::runtime().sticky);
}

const char* CUDARTAPI cudaGetErrorString(cudaError_t error) {
  simt::Runtime& r = simt::runtime();
  if (error == r.sticky && error != cudaSuccess) return r.fault.c_str();
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInvalidValue:
      return "invalid argument";
    default:
      return "error of the emulator";
  }
}

}  // extern "C"
