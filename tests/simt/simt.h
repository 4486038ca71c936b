// The SIMT emulator: knobs for tests, and the seams between its parts (device language, engine, library
// fakes). A CUDA thread is a fiber, a block runs on one OS thread, a grid on several.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace simt {

// Where a call stands in the source.
struct Location {
  const char* file = "";
  unsigned line = 0;
  static constexpr Location current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

// ---- knobs
// -------------------------------------------------------------------------------------------------------
enum class Order { forward, reverse, random };  // in which order runnable threads and blocks are picked
void set_order(Order order, std::uint64_t seed = 1);
void set_workers(unsigned count);  // OS threads that run blocks
// The `times` allocations after `count` more fail; count -1: none.
void fail_allocation_after(long count, long times = 1);
std::string take_fault();  // the first fault since the last call ("" if none); the device works again

// ---- engine
// ------------------------------------------------------------------------------------------------------
struct Launch {
  std::string name;
  dim3 grid, block;
  std::size_t dynamic_shared = 0;
  std::function<void()> body;  // runs the kernel once, for the emulated thread that calls it
};

bool run_grid(const Launch& launch);         // false: a fault was reported
void report_fault(const std::string& text);  // every later call answers cudaErrorLaunchFailure
std::string describe_current();  // "kernel relu_forward, block (1,0,0), thread (3,0,0)" or "host code"

// ---- runtime (cudart.cpp)
// ----------------------------------------------------------------------------------------
cudaError_t enqueue(cudaStream_t stream, std::function<void()> operation);
cudaError_t enqueue_launch(cudaStream_t stream, Launch launch);
bool device_range(const void* pointer, std::size_t bytes);  // inside one live device allocation
bool in_device_heap(const void* pointer);

// ---- device side
// -------------------------------------------------------------------------------------------------
enum class Op : std::uint8_t { barrier, warp_barrier, shuffle, ballot };
void barrier(Location where);
// Meets the lanes of `mask`; answers the value of lane `source` (shuffle) or the votes (ballot).
std::uint64_t warp_op(Op op, unsigned mask, std::uint64_t value, int source, Location where);
unsigned lane();
void check_aligned(const void* pointer, std::size_t bytes);  // a fault unless it is a multiple of `bytes`

// One block-shared array; kept per OS thread, carved anew for every block and filled with NaN.
struct SharedSlot {
  std::uint64_t epoch = 0;
  void* memory = nullptr;
};
void* shared_array(SharedSlot& slot, std::size_t bytes, std::size_t alignment);

}  // namespace simt
