// The emulated device's memory: guarded, filled with 0xFF (NaN), never at an address twice.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <map>
#include <string>

namespace simt {

class DeviceMemory {
 public:
  std::size_t total = std::size_t{4} << 30;

  static DeviceMemory& instance();
  cudaError_t allocate(void** out, std::size_t size);
  cudaError_t allocate_virtual(void** out, std::size_t size);  // zero; its pages exist once they are touched
  cudaError_t release(void* pointer);
  bool contains(const void* pointer, std::size_t bytes) const;
  bool in_heap(const void* pointer) const;
  std::string describe(
      const void* pointer) const;  // "0x7f.., 96 bytes past the end of a device allocation .."
  std::size_t live() const { return live_; }
  void check_guards(const char* after);  // reports writes beside a block
  void fail_after(long count, long times) {
    fail_countdown_ = count;
    fail_times_ = times;
  }
  // Where `closed`, the memory can be touched only between open() and close(): while the device works.
  void set_protected(bool closed);
  void open();
  void close();

 private:
  struct Block {
    std::size_t size = 0;
    char* pages = nullptr;
    std::size_t pages_size = 0;
    bool is_virtual = false;
  };
  using Blocks = std::map<const char*, Block>;
  DeviceMemory();
  char* reserve(std::size_t pages);  // null when there is no room
  void check_guard(Blocks::const_iterator block, const char* after);
  void protect_all(int protection) const;

  char* heap_ = nullptr;
  std::size_t used_ = std::size_t{1} << 20, live_ = 0;
  long fail_countdown_ = -1, fail_times_ = 1;
  bool protected_ = false;
  Blocks blocks_;
};

}  // namespace simt
