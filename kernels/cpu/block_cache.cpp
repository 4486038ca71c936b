#include "kernels/cpu/block_cache.h"

#include <sys/mman.h>

#include <algorithm>
#include <string>

#include "kernels/error.h"

namespace thaw::cpu {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t smallest_segment = std::size_t{32} << 20;

std::size_t round_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

}  // namespace

BlockCache::~BlockCache() {
  for (const auto& [pointer, bytes] : segments_) munmap(pointer, bytes);
}

void* BlockCache::allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 62)) throw Error("memory: a request of " + std::to_string(bytes) + " bytes");
  const std::size_t wanted = round_up(std::max(bytes, std::size_t{1}), alignment);
  const auto fit = free_.lower_bound({wanted, nullptr});
  auto block = fit == free_.end() ? grow(wanted) : blocks_.find(fit->second);
  mark_used(block);
  if (block->second.bytes > wanted) {
    const Block rest{block->second.bytes - wanted, false, false};
    block->second.bytes = wanted;
    mark_free(blocks_.emplace_hint(std::next(block), block->first + wanted, rest));
  }
  in_use_ += wanted;
  peak_ = std::max(peak_, in_use_);
  return block->first;
}

void BlockCache::deallocate(void* pointer) noexcept {
  if (pointer == nullptr) return;
  auto block = blocks_.find(static_cast<char*>(pointer));
  if (block == blocks_.end() || block->second.free) return;
  in_use_ -= block->second.bytes;
  const auto next = std::next(block);
  if (next != blocks_.end() && next->second.free && !next->second.first) {
    mark_used(next);
    block->second.bytes += next->second.bytes;
    blocks_.erase(next);
  }
  if (block != blocks_.begin() && !block->second.first && std::prev(block)->second.free) {
    const auto before = std::prev(block);
    mark_used(before);
    before->second.bytes += block->second.bytes;
    blocks_.erase(block);
    block = before;
  }
  mark_free(block);
}

BlockCache::Blocks::iterator BlockCache::grow(std::size_t bytes) {
  const std::size_t segment = round_up(std::max(bytes, smallest_segment), huge_page);
  // One huge page more than asked for, so that the segment can begin on a huge page.
  void* raw = mmap(nullptr, segment + huge_page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED)
    throw Error("memory: the system refused " + std::to_string(bytes) + " bytes with " +
                std::to_string(in_use_) + " in use; use a smaller batch or smaller pictures");
  segments_.emplace_back(raw, segment + huge_page);
  reserved_ += segment;
  const auto address = reinterpret_cast<std::uintptr_t>(raw);
  auto* begin = static_cast<char*>(raw) + (round_up(address, huge_page) - address);
  // Only a hint: without huge pages the memory is the same, with more page faults the first time.
  madvise(begin, segment, MADV_HUGEPAGE);
  const auto block = blocks_.emplace(begin, Block{segment, false, true}).first;
  mark_free(block);
  return block;
}

void BlockCache::mark_free(Blocks::iterator block) {
  block->second.free = true;
  free_.emplace(block->second.bytes, block->first);
}

void BlockCache::mark_used(Blocks::iterator block) {
  block->second.free = false;
  free_.erase({block->second.bytes, block->first});
}

}  // namespace thaw::cpu
