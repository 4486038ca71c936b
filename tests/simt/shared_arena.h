// The shared memory of one emulated block: arrays with a guard around each, poisoned for AddressSanitizer,
// filled with a pattern otherwise.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace simt {

class SharedArena {
 public:
  SharedArena() = default;
  ~SharedArena();
  SharedArena(const SharedArena&) = delete;
  SharedArena& operator=(const SharedArena&) = delete;

  void begin_block();
  void* carve(std::size_t bytes, std::size_t alignment);  // holds 0xFF; null when there is no room
  std::size_t bytes() const { return bytes_; }            // carved for this block
  // What was written outside the arrays of this block ("" if nothing).
  std::string damage() const;
  // An address that stands for the i-th meeting point of the block's threads (below 512).
  void* meeting(std::size_t i) const { return pages_ + 8 * i; }

 private:
  struct Array {
    std::size_t begin, end;
  };
  void map();
  void unmap();

  char* pages_ = nullptr;
  std::size_t used_ = 0, bytes_ = 0;
  std::vector<Array> arrays_;
};

}  // namespace simt
