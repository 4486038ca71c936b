#include "tests/simt/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

#include "tests/simt/sanitizers.h"
#include "tests/simt/simt.h"

namespace simt {
namespace {

constexpr std::size_t page = 4096, space = std::size_t{1} << 38;
constexpr char guard_pattern = static_cast<char>(0xA5);
constexpr int everything = PROT_READ | PROT_WRITE;

std::size_t round_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

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

std::string DeviceMemory::describe(const void* pointer) const {
  std::ostringstream text;
  text << pointer;
  if (!in_heap(pointer)) return text.str() + ", which is not device memory,";
  const auto* address = static_cast<const char*>(pointer);
  const auto after = blocks_.upper_bound(address);
  const auto near = after == blocks_.begin() ? after : std::prev(after);
  if (near == blocks_.end()) return text.str() + ", which is freed device memory,";
  const auto& [start, block] = *near;
  const std::ptrdiff_t past = address - (start + block.size);
  if (past < 0 && address >= start)
    text << ", inside a device allocation of " << block.size << " bytes,";
  else if (past >= 0)
    text << ", " << past << " bytes past the end of a device allocation of " << block.size << " bytes,";
  else
    text << ", before every device allocation,";
  return text.str();
}

char* DeviceMemory::reserve(std::size_t pages) {
  const std::size_t gap = std::clamp(pages, page, std::size_t{16} << 20);  // far overruns miss the neighbours
  if (used_ + pages + 2 * gap > space) return nullptr;
  char* begin = heap_ + used_ + gap;
  used_ += pages + gap;
  return mprotect(begin, pages, everything) == 0 ? begin : nullptr;
}

cudaError_t DeviceMemory::allocate(void** out, std::size_t size) {
  *out = nullptr;
  if (fail_countdown_ == 0) {
    if (--fail_times_ <= 0) fail_countdown_ = -1;
    return cudaErrorMemoryAllocation;
  }
  if (fail_countdown_ > 0) --fail_countdown_;
  if (size == 0) return cudaSuccess;
  if (size > total || live_ + size > total) return cudaErrorMemoryAllocation;
  const std::size_t rounded = round_up(size, 256), pages = round_up(rounded, page);
  char* begin = reserve(pages);
  if (!begin) return cudaErrorMemoryAllocation;
  char* block = begin + (pages - rounded);  // ends where its last page ends, less up to 255 bytes
  std::memset(block, 0xFF, size);           // NaN as float and bfloat16
#ifndef SIMT_ASAN
  std::memset(begin, guard_pattern, pages - rounded);
  std::memset(block + size, guard_pattern, rounded - size);
#endif
  ASAN_POISON_MEMORY_REGION(begin, pages - rounded);
  ASAN_POISON_MEMORY_REGION(block + size, rounded - size);
  blocks_[block] = {size, begin, pages, false};
  if (protected_) mprotect(begin, pages, PROT_NONE);
  live_ += size;
  *out = block;
  return cudaSuccess;
}

cudaError_t DeviceMemory::allocate_virtual(void** out, std::size_t size) {
  const std::size_t pages = round_up(size, page);
  char* begin = reserve(pages);
  if (!begin) return cudaErrorMemoryAllocation;
  blocks_[begin] = {size, begin, pages, true};
  *out = begin;
  return cudaSuccess;
}

cudaError_t DeviceMemory::release(void* pointer) {
  if (!pointer) return cudaSuccess;
  const auto it = blocks_.find(static_cast<const char*>(pointer));
  if (it == blocks_.end()) {
    report_fault("cudaFree of a pointer that is not the start of a live allocation");
    return cudaErrorInvalidValue;
  }
  const Block block = it->second;
  mprotect(block.pages, block.pages_size, everything);
  check_guard(it, "cudaFree");
  blocks_.erase(it);
  if (!block.is_virtual) live_ -= block.size;
  mprotect(block.pages, block.pages_size, PROT_NONE);
  madvise(block.pages, block.pages_size, MADV_DONTNEED);
  if (!block.is_virtual) ASAN_POISON_MEMORY_REGION(block.pages, block.pages_size);
  return cudaSuccess;
}

void DeviceMemory::check_guards(const char* after) {
  for (auto it = blocks_.begin(); it != blocks_.end(); ++it) check_guard(it, after);
}

void DeviceMemory::check_guard([[maybe_unused]] Blocks::const_iterator it,
                               [[maybe_unused]] const char* after) {
#ifndef SIMT_ASAN  // its poison notices the access itself
  const auto& [start, block] = *it;
  if (block.is_virtual) return;
  char* const begin = block.pages + (start - block.pages);
  const auto check = [&](char* from, char* to, const char* where) {
    if (std::all_of(from, to, [](char c) { return c == guard_pattern; })) return;
    std::fill(from, to, guard_pattern);
    report_fault(std::string("write ") + where + " a device allocation of " + std::to_string(block.size) +
                 " bytes, noticed after " + after);
  };
  check(std::max(block.pages, begin - 256), begin, "before");
  check(begin + block.size, block.pages + block.pages_size, "past the end of");
#endif
}

void DeviceMemory::set_protected(bool closed) {
  protect_all(closed ? PROT_NONE : everything);
  protected_ = closed;
}

void DeviceMemory::open() {
  if (protected_) protect_all(everything);
}

void DeviceMemory::close() {
  if (protected_) protect_all(PROT_NONE);
}

void DeviceMemory::protect_all(int protection) const {
  for (const auto& [start, block] : blocks_) mprotect(block.pages, block.pages_size, protection);
}

}  // namespace simt
