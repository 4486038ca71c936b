#include "tests/simt/shared_arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tests/simt/sanitizers.h"
#include "tests/simt/simt.h"

namespace simt {
namespace {

constexpr std::size_t header = 4096, guard = 256, size = header + raised_shared_limit + (64 << 10);
constexpr unsigned char guard_pattern = 0xA5;

// ThreadSanitizer intercepts memset and would take it for an access of the emulated thread.
void fill(char* to, std::size_t bytes, unsigned char value) {
  if constexpr (tsan) {
    for (std::size_t i = 0; i < bytes; ++i) reinterpret_cast<volatile unsigned char*>(to)[i] = value;
  } else {
    std::memset(to, value, bytes);
  }
}

}  // namespace

SharedArena::~SharedArena() {
  if (pages_) unmap();
}

void SharedArena::map() {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  pages_ = static_cast<char*>(memory);
}

void SharedArena::unmap() {
  ASAN_UNPOISON_MEMORY_REGION(pages_, size);
  munmap(pages_, size);
  pages_ = nullptr;
}

void SharedArena::begin_block() {
  // Blocks have no common shared memory: new pages, or ThreadSanitizer would see them race in it.
  if (tsan && pages_) unmap();
  if (!pages_) map();
  ASAN_POISON_MEMORY_REGION(pages_ + header, size - header);
  used_ = header;
  bytes_ = 0;
  arrays_.clear();
}

void* SharedArena::carve(std::size_t bytes, std::size_t alignment) {
  const std::size_t align = std::max<std::size_t>(alignment, 16);
  const std::size_t begin = (used_ + guard + align - 1) / align * align, end = begin + bytes;
  if (bytes > size || end + guard > size) return nullptr;
#ifndef SIMT_ASAN
  fill(pages_ + used_, begin - used_, guard_pattern);
  fill(pages_ + end, guard, guard_pattern);
#endif
  ASAN_UNPOISON_MEMORY_REGION(pages_ + begin, bytes);
  fill(pages_ + begin, bytes, 0xFF);  // NaN as float and bfloat16, -1 as an integer
  used_ = end;
  bytes_ += bytes;
  arrays_.push_back({begin, end});
  return pages_ + begin;
}

std::string SharedArena::damage() const {
#ifndef SIMT_ASAN  // its poison notices the access itself
  const auto written = [this](std::size_t begin, std::size_t end) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(pages_);
    return std::any_of(bytes + begin, bytes + end, [](unsigned char c) { return c != guard_pattern; });
  };
  std::size_t before = header;
  for (const Array& array : arrays_) {
    if (written(before, array.begin) || (array.end == used_ && written(used_, used_ + guard)))
      return "write outside a shared array (near the one of " + std::to_string(array.end - array.begin) +
             " bytes), noticed at the end of the block";
    before = array.end;
  }
#endif
  return "";
}

}  // namespace simt
