// Memory of the reference backend: whole blocks from the system, kept after their return and handed out
// again.
#pragma once

#include <cstddef>
#include <map>
#include <unordered_map>

namespace thaw::reference {

class BlockCache {
 public:
  BlockCache() = default;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;
  ~BlockCache();

  void* allocate(std::size_t bytes);  // aligned to 256; throws Error when the system has none
  void deallocate(void* pointer) noexcept;
  std::size_t bytes_in_use() const { return in_use_; }
  std::size_t peak_bytes() const { return peak_; }
  void reset_peak() { peak_ = in_use_; }

 private:
  std::unordered_map<void*, std::size_t> used_;
  std::multimap<std::size_t, void*> free_;
  std::size_t in_use_ = 0, peak_ = 0;
};

}  // namespace thaw::reference
