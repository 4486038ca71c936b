#include "tests/simt/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/simt/sanitizers.h"
#include "tests/simt/simt.h"

namespace simt {
namespace {

constexpr std::size_t page = 4096, space = std::size_t{1} << 38;
constexpr char tail_pattern = static_cast<char>(0xA5);

}  // namespace

DeviceMemory& DeviceMemory::instance() {
  static auto* memory = new DeviceMemory;  // as a device, it outlives every object of the program
  return *memory;
}

DeviceMemory::DeviceMemory() {
  void* heap = mmap(nullptr, space, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (heap == MAP_FAILED) std::abort();
  heap_ = static_cast<char*>(heap);
}

bool DeviceMemory::in_heap(const void* pointer) const {
  return pointer >= heap_ && pointer < heap_ + space;
}

bool DeviceMemory::contains(const void* pointer, std::size_t bytes) const {
  auto it = blocks_.upper_bound(static_cast<const char*>(pointer));
  if (it == blocks_.begin()) return false;
  --it;
  return static_cast<const char*>(pointer) + bytes <= it->first + it->second.size;
}

cudaError_t DeviceMemory::allocate(void** out, std::size_t size) {
  *out = nullptr;
  if (fail_countdown_ == 0) {
    if (--fail_times_ <= 0) fail_countdown_ = -1;
    return cudaErrorMemoryAllocation;
  }
  if (fail_countdown_ > 0) --fail_countdown_;
  if (size == 0) return cudaSuccess;
  const std::size_t rounded = (size + 255) / 256 * 256, pages = (rounded + page - 1) / page * page;
  const std::size_t gap = std::clamp(pages, page, std::size_t{16} << 20);  // far overruns miss the neighbours
  if (live_ + size > total || used_ + pages + 2 * gap > space) return cudaErrorMemoryAllocation;
  char* begin = heap_ + used_ + gap;
  used_ += pages + gap;
  if (mprotect(begin, pages, PROT_READ | PROT_WRITE) != 0) return cudaErrorMemoryAllocation;
  char* block = begin + (pages - rounded);  // ends where its last page ends, less up to 255 bytes
  std::memset(block, 0xFF, size);           // NaN as float and bfloat16
  std::memset(block + size, tail_pattern, rounded - size);
  ASAN_POISON_MEMORY_REGION(begin, pages - rounded);
  ASAN_POISON_MEMORY_REGION(block + size, rounded - size);
  blocks_[block] = {size, begin, pages};
  live_ += size;
  *out = block;
  return cudaSuccess;
}

cudaError_t DeviceMemory::release(void* pointer) {
  if (!pointer) return cudaSuccess;
  const auto it = blocks_.find(static_cast<const char*>(pointer));
  if (it == blocks_.end()) {
    report_fault("cudaFree of a pointer that is not the start of a live allocation");
    return cudaErrorInvalidValue;
  }
  check_tail(it, "cudaFree");
  const Block block = it->second;
  blocks_.erase(it);
  live_ -= block.size;
  mprotect(block.pages, block.pages_size, PROT_NONE);
  madvise(block.pages, block.pages_size, MADV_DONTNEED);
  ASAN_POISON_MEMORY_REGION(block.pages, block.pages_size);
  return cudaSuccess;
}

void DeviceMemory::check_tails(const char* after) {
  for (auto it = blocks_.begin(); it != blocks_.end(); ++it) check_tail(it, after);
}

void DeviceMemory::check_tail([[maybe_unused]] Blocks::const_iterator it,
                              [[maybe_unused]] const char* after) {
#ifndef SIMT_ASAN  // its poison notices the access itself
  const auto& [start, block] = *it;
  char* tail = block.pages + (start - block.pages) + block.size;
  char* end = block.pages + block.pages_size;
  if (std::all_of(tail, end, [](char c) { return c == tail_pattern; })) return;
  std::fill(tail, end, tail_pattern);
  report_fault("write past the end of a device allocation of " + std::to_string(block.size) +
               " bytes, noticed after " + after);
#endif
}

}  // namespace simt
