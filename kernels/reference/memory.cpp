#include "kernels/reference/memory.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <tuple>

#include "kernels/error.h"

namespace thaw::reference {
namespace {

constexpr std::size_t alignment = 256;

}  // namespace

BlockCache::~BlockCache() {
  for (const auto& [pointer, bytes] : used_) std::free(pointer);
  for (const auto& [bytes, pointer] : free_) std::free(pointer);
}

void* BlockCache::allocate(std::size_t bytes) {
  const auto refuse = [&] {
    throw Error("memory: the system refused " + std::to_string(bytes) + " bytes with " +
                std::to_string(in_use_) + " in use; use a smaller batch or smaller pictures");
  };
  if (bytes >= std::size_t{1} << 62) refuse();  // beyond any address space; the rounding below would overflow
  const std::size_t wanted = (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  std::size_t size = wanted;
  void* pointer = nullptr;
  // A block much too large is left for a request of its own size.
  if (const auto fit = free_.lower_bound(wanted); fit != free_.end() && fit->first <= 2 * wanted) {
    std::tie(size, pointer) = *fit;
    free_.erase(fit);
  } else {
    pointer = std::aligned_alloc(alignment, wanted);
    if (pointer == nullptr) refuse();
  }
  used_.emplace(pointer, size);
  in_use_ += size;
  peak_ = std::max(peak_, in_use_);
  return pointer;
}

void BlockCache::deallocate(void* pointer) noexcept {
  const auto block = used_.find(pointer);
  if (block == used_.end()) return;
  in_use_ -= block->second;
  // First among its equals: the block that was used last is handed out first, while it is in the cache.
  free_.emplace_hint(free_.lower_bound(block->second), block->second, pointer);
  used_.erase(block);
}

}  // namespace thaw::reference
