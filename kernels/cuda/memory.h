// Device memory: whole blocks that are kept when they come back, so that a step that has run once calls no
// cudaMalloc. All use is ordered on the compute stream, so a block may be handed out again while the work
// that used it last is still queued.
#pragma once

#include <cstddef>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "kernels/cuda/queue.h"

namespace thaw::cuda {

// How blocks are cut and reused, and how large the ring of uploads is.
struct PoolPolicy {
  std::size_t granularity = 512;  // sizes are multiples of this
  std::size_t large = 0;          // from this size on (0: never), multiples of `large_granularity`
  std::size_t large_granularity = 1;
  std::size_t slack_percent = 0;  // how much larger than asked a reused block may be
  bool poison = false;            // fill reused blocks with 0xFF (NaN as float and bfloat16)
  bool passthrough = false;       // no block is kept: each is freed when it comes back
  std::size_t upload_ring = std::size_t{64} << 20;  // bytes, see Staging
};

// What suits a device: the driver hands out large blocks in pages of 2 MiB; the ring of uploads holds 256
// pictures of 224 x 224 and half as much again.
PoolPolicy device_pool_policy();
// `usual`, or what the environment variable THAW_POOL asks for instead. "passthrough": every block is a
// cudaMalloc of exactly the bytes asked for, and is freed when it comes back, so that a memory checker sees
// an access beside it or after its end. Throws Error on another value.
PoolPolicy chosen_pool_policy(PoolPolicy usual);
// The backend's; the emulator of the tests links another one.
PoolPolicy pool_policy();

class Pool {
 public:
  Pool(const Queue& queue, const PoolPolicy& policy) : queue_(queue), policy_(policy) {}
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // At least `bytes` bytes (0 counts as 1), aligned to 256. Throws OutOfMemory when there are none.
  void* allocate(std::size_t bytes);
  void deallocate(void* pointer) noexcept;  // null: nothing happens

  std::size_t bytes_in_use() const { return in_use_; }
  std::size_t peak_bytes() const { return peak_; }
  void reset_peak() { peak_ = in_use_; }

  // Blocks that a recorded step takes or gives back stay with the recording: replays write to them, so they
  // are handed to nobody else until release(). Recordings do not nest.
  int begin_recording();
  void end_recording() { recording_ = 0; }
  void release(int recording) noexcept;
  bool recording() const { return recording_ != 0; }

 private:
  struct Block {
    std::size_t bytes = 0;
    int owner = 0;  // a recording, or 0
    bool free = false;
  };
  using FreeBlock = std::tuple<int, std::size_t, void*>;  // owner, bytes, where

  void* take(int owner, std::size_t bytes);
  void* grow(std::size_t asked, std::size_t bytes);
  void give_back(void* pointer) noexcept;
  void give_back_free_blocks();

  Queue queue_;
  PoolPolicy policy_;
  std::unordered_map<void*, Block> blocks_;
  std::set<FreeBlock> free_;
  std::size_t in_use_ = 0, peak_ = 0, reserved_ = 0;
  int recording_ = 0, recordings_ = 0;
};

// A block for the length of one op; null for 0 bytes.
class Temporary {
 public:
  Temporary(Pool& pool, std::size_t bytes) : pool_(pool), data_(bytes > 0 ? pool.allocate(bytes) : nullptr) {}
  ~Temporary() { pool_.deallocate(data_); }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  void* data() const { return data_; }

 private:
  Pool& pool_;
  void* data_;
};

}  // namespace thaw::cuda
