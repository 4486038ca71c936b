// The part of the CUDA runtime that Thaw calls, on the emulator: the device, its memory and copies. NVIDIA's
// header gives every prototype; what is not here does not link.
#include <cuda_runtime.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "tests/simt/memory.h"
#include "tests/simt/runtime.h"
#include "tests/simt/worker.h"

namespace simt {

void fail_allocation_after(long count, long times) {
  DeviceMemory::instance().fail_after(count, times);
}
void set_free_memory(std::size_t bytes) {
  const auto lock = Runtime::instance().lock();
  DeviceMemory& memory = DeviceMemory::instance();
  memory.total = memory.live() + bytes;
}
void set_protect(bool on) {
  const auto lock = Runtime::instance().lock();
  if (on) watch_invalid_accesses();
  DeviceMemory::instance().set_protected(on);
}
cudaError_t allocate_virtual(void** out, std::size_t bytes) {
  const auto lock = Runtime::instance().lock();
  return DeviceMemory::instance().allocate_virtual(out, bytes);
}
bool device_range(const void* pointer, std::size_t bytes) {
  const auto lock = Runtime::instance().lock();
  return DeviceMemory::instance().contains(pointer, bytes);
}
bool in_device_heap(const void* pointer) {
  return DeviceMemory::instance().in_heap(pointer);
}

namespace {

// Whether what a copy of `bytes` touches on the device is one live allocation.
bool in_range(const void* pointer, std::size_t bytes) {
  if (!in_device_heap(pointer) || DeviceMemory::instance().contains(pointer, bytes)) return true;
  report_fault("a copy of " + std::to_string(bytes) + " bytes leaves a live device allocation");
  return false;
}

bool kind_is_right(const void* to, const void* from, cudaMemcpyKind kind) {
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind == cudaMemcpyDefault || (in_device_heap(to) == to_device && in_device_heap(from) == from_device))
    return true;
  report_fault("a copy's pointer is not where its kind says");
  return false;
}

bool pageable(const void* pointer) {
  return !in_device_heap(pointer) && !Runtime::instance().is_pinned(pointer);
}

}  // namespace
}  // namespace simt

using simt::DeviceMemory;
using simt::Runtime;

extern "C" {

cudaError_t CUDARTAPI cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaSetDevice(int device) {
  return Runtime::instance().answer(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t CUDARTAPI cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = static_cast<int>(simt::multiprocessors());
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = 9;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = 0;
      return cudaSuccess;
    default:
      return Runtime::instance().answer(cudaErrorNotSupported);
  }
}
cudaError_t CUDARTAPI cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "emulator");
  properties->major = 9;
  properties->multiProcessorCount = static_cast<int>(simt::multiprocessors());
  properties->totalGlobalMem = DeviceMemory::instance().total;
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaMemGetInfo(size_t* available, size_t* total) {
  const auto lock = Runtime::instance().lock();
  *total = DeviceMemory::instance().total;
  *available = *total - DeviceMemory::instance().live();
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaMalloc(void** pointer, size_t size) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  ++r.allocations;
  if (const cudaError_t error = r.break_captures()) return error;
  if (const cudaError_t error = r.answer(cudaSuccess)) return error;
  return r.answer(DeviceMemory::instance().allocate(pointer, size));
}
cudaError_t CUDARTAPI cudaFree(void* pointer) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  if (const cudaError_t error = r.break_captures()) return error;
  r.wait_all();
  return r.answer(DeviceMemory::instance().release(pointer));
}

cudaError_t CUDARTAPI cudaHostAlloc(void** pointer, size_t size, unsigned) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  ++r.allocations;
  if (const cudaError_t error = r.break_captures()) return error;
  *pointer = std::malloc(size);
  if (!*pointer) return r.answer(cudaErrorMemoryAllocation);
  std::memset(*pointer, 0xFF, size);
  r.pinned[static_cast<const char*>(*pointer)] = size;
  return r.answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaFreeHost(void* pointer) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  if (!pointer) return r.answer(cudaSuccess);
  if (const cudaError_t error = r.break_captures()) return error;
  r.wait_all();
  if (r.pinned.erase(static_cast<const char*>(pointer)) == 0) {
    simt::report_fault("cudaFreeHost of what cudaHostAlloc did not give");
    return r.answer(cudaErrorInvalidValue);
  }
  std::free(pointer);
  return r.answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  *attributes = {};
  attributes->type = simt::in_device_heap(pointer) ? cudaMemoryTypeDevice
                     : r.is_pinned(pointer)        ? cudaMemoryTypeHost
                                                   : cudaMemoryTypeUnregistered;
  return r.answer(cudaSuccess);
}

// As on a device, a pageable source has been read when the call returns, and a pageable destination is
// written.
cudaError_t CUDARTAPI cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                                      cudaStream_t stream) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  if (!simt::kind_is_right(to, from, kind)) return r.answer(cudaErrorInvalidValue);
  if (bytes == 0) return simt::enqueue(stream, [] {});
  if (!simt::in_device_heap(from) && simt::pageable(from)) {
    const auto* first = static_cast<const char*>(from);
    return simt::enqueue(stream, [to, staged = std::vector<char>(first, first + bytes)] {
      if (simt::in_range(to, staged.size())) std::memcpy(to, staged.data(), staged.size());
    });
  }
  const cudaError_t error = simt::enqueue(stream, [=] {
    if (simt::in_range(to, bytes) && simt::in_range(from, bytes)) std::memcpy(to, from, bytes);
  });
  if (error == cudaSuccess && simt::pageable(to) && !stream->capture) r.wait(stream);
  return r.answer(error);
}
cudaError_t CUDARTAPI cudaMemsetAsync(void* pointer, int value, size_t bytes, cudaStream_t stream) {
  return simt::enqueue(stream, [=] {
    if (bytes > 0 && simt::in_range(pointer, bytes)) std::memset(pointer, value, bytes);
  });
}

// Both mean the default stream.
cudaError_t CUDARTAPI cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}
cudaError_t CUDARTAPI cudaMemset(void* pointer, int value, size_t bytes) {
  return cudaMemsetAsync(pointer, value, bytes, nullptr);
}

cudaError_t CUDARTAPI cudaGetLastError() {
  return Runtime::instance().take_last();
}

const char* CUDARTAPI cudaGetErrorString(cudaError_t error) {
  static thread_local std::string text;
  if (Runtime& r = Runtime::instance(); error != cudaSuccess && error == r.sticky()) {
    text = r.fault();
    return text.c_str();
  }
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorLaunchOutOfResources:
      return "too many resources requested for launch";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    case cudaErrorNotReady:
      return "device not ready";
    default:
      return "error of the emulator";
  }
}

}  // extern "C"
