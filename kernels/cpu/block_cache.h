// Memory for a host backend: best-fit blocks out of large segments, kept until the cache is destroyed.
// Returning pages to the system between steps would cost more than the arithmetic (page faults, zeroing).
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace thaw::cpu {

class BlockCache {
 public:
  static constexpr std::size_t alignment = 256;

  BlockCache() = default;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;
  ~BlockCache();

  // At least `bytes` bytes (0 counts as 1), aligned to 256; contents unspecified. Throws Error when there are
  // none.
  void* allocate(std::size_t bytes);
  void deallocate(void* pointer) noexcept;  // null: nothing happens

  std::size_t bytes_in_use() const { return in_use_; }
  std::size_t peak_bytes() const { return peak_; }
  std::size_t bytes_reserved() const { return reserved_; }  // taken from the system
  void reset_peak() { peak_ = in_use_; }

 private:
  struct Block {
    std::size_t bytes = 0;
    bool free = false;
    bool first = false;  // begins a segment: never joined with the block before it
  };
  using Blocks = std::map<char*, Block>;

  Blocks::iterator grow(std::size_t bytes);
  void mark_free(Blocks::iterator block);
  void mark_used(Blocks::iterator block);

  Blocks blocks_;                                 // by address, covers every segment
  std::set<std::pair<std::size_t, char*>> free_;  // by size, then address
  std::vector<std::pair<void*, std::size_t>> segments_;
  std::size_t in_use_ = 0, peak_ = 0, reserved_ = 0;
};

}  // namespace thaw::cpu
