// The SIMT emulator: knobs for tests, and the seams between its parts (device language, engine, library
// fakes). A CUDA thread is a fiber, a block runs on one OS thread, a grid on several.
//
// Settings of a whole run come from the environment:
//   SIMT_ORDER=forward|reverse|random   in which order runnable threads and blocks are picked
//   SIMT_STREAMS=eager|lazy|random      when queued work runs: at once, only when waited for, or in between
//   SIMT_SEED=N                         of both random orders
//   SIMT_WORKERS=N                      OS threads that run blocks (2)
//   SIMT_MULTIPROCESSORS=N              of the device (1); grids are 8 blocks on each at most
//   SIMT_PROTECT=1                      device memory can be touched only while the device works
//
// Unwritten memory: allocations, reused pool blocks and shared arrays hold 0xFF bytes, which are NaN as
// float, double and bfloat16, -1 as a signed and the largest value as an unsigned integer. A read of it is
// not reported by itself; it shows in what the kernel computes from it.
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

enum class Order { forward, reverse, random };
enum class Streams { eager, lazy, random };
void set_order(Order order, std::uint64_t seed = 1);
void set_streams(Streams streams, std::uint64_t seed = 1);  // waits for the device first
void set_workers(unsigned count);
void use_environment();  // undoes the three above
void set_protect(bool on);
// Runs only blocks [first, first + count) of every grid, so that a grid may be larger than anybody can wait
// for.
void set_block_window(std::uint64_t first, std::uint64_t count);
void clear_block_window();
// The `times` allocations after `count` more fail; count -1: none.
void fail_allocation_after(long count, long times = 1);
// The device has room for `bytes` more.
void set_free_memory(std::size_t bytes);
// An allocation of any size (below 2^37 bytes) whose pages exist only once they are touched; it is zero, not
// NaN.
cudaError_t allocate_virtual(void** out, std::size_t bytes);
// Waits for the device and answers the first fault since the last call ("" if none); the device works again.
std::string take_fault();

// ---- limits of the emulated device

inline constexpr std::size_t shared_limit = 48 << 10;          // of a block, unless raised
inline constexpr std::size_t raised_shared_limit = 227 << 10;  // what cudaFuncSetAttribute may ask for
inline constexpr std::size_t parameter_limit = 4096;  // bytes; 32764 take a toolkit and a driver of CUDA 12.1
unsigned multiprocessors();

// ---- engine

struct Launch {
  std::string name;
  dim3 grid, block;
  std::size_t dynamic_shared = 0;
  std::function<void()> body;    // runs the kernel once, for the emulated thread that calls it
  const void* kernel = nullptr;  // its entry
  std::size_t parameter_bytes = 0;
  std::size_t shared_limit = simt::shared_limit;
};

bool run_grid(const Launch& launch);         // false: a fault was reported
void report_fault(const std::string& text);  // every later call answers cudaErrorLaunchFailure
std::string describe_current();  // "kernel relu_forward, block (1,0,0), thread (3,0,0)" or "host code"

// ---- runtime

cudaError_t enqueue(cudaStream_t stream, std::function<void()> operation);
cudaError_t enqueue_launch(cudaStream_t stream, Launch launch);
unsigned launch_bound(const void* kernel);  // __launch_bounds__ of a kernel, 1024 if it has none
bool device_range(const void* pointer, std::size_t bytes);  // inside one live device allocation
bool in_device_heap(const void* pointer);

// For an operation that runs on the device: it took so long.
void add_device_time(double milliseconds);
float rounded_to_tf32(float value);  // to 10 bits of mantissa, ties away from zero

// ---- device side

enum class Op : std::uint8_t { barrier, warp_barrier, shuffle, ballot };
// Answers for how many threads of the block `predicate` holds.
unsigned barrier(bool predicate, Location where);
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
void* dynamic_shared();  // the launch's dynamic shared memory; a fault if it asked for none

}  // namespace simt
