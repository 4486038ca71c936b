// The emulated device's memory: guarded, filled with NaN, never at an address twice.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <map>

namespace simt {

class DeviceMemory {
 public:
  static constexpr std::size_t total = std::size_t{4} << 30;

  static DeviceMemory& instance();
  cudaError_t allocate(void** out, std::size_t size);
  cudaError_t release(void* pointer);
  bool contains(const void* pointer, std::size_t bytes) const;
  bool in_heap(const void* pointer) const;
  std::size_t live() const { return live_; }
  void check_tails(const char* after);  // reports writes past the end of a block
  void fail_after(long count, long times) {
    fail_countdown_ = count;
    fail_times_ = times;
  }

 private:
  struct Block {
    std::size_t size = 0;
    char* pages = nullptr;
    std::size_t pages_size = 0;
  };
  using Blocks = std::map<const char*, Block>;
  DeviceMemory();
  void check_tail(Blocks::const_iterator block, const char* after);

  char* heap_ = nullptr;
  std::size_t used_ = std::size_t{1} << 20, live_ = 0;
  long fail_countdown_ = -1, fail_times_ = 1;
  Blocks blocks_;
};

}  // namespace simt
