// Uploads beside the ops. Bytes pass through a ring of page-locked memory and as much memory on the device:
// the copy stream brings them to the device while the compute stream is still at earlier work, and the
// compute stream moves them to where they belong.
//
// So the compute stream alone touches everything but the ring: the pool may hand out a block anew without a
// thought of the copy stream. And a step is recorded once: a recording for each of two inputs would hold the
// activations of the network twice, to save one copy within the device.
#pragma once

#include <array>
#include <cstddef>

#include "kernels/cuda/memory.h"
#include "kernels/cuda/stream.h"

namespace thaw::cuda {

class Staging {
 public:
  // Takes `bytes` (a multiple of 8) from `pool` and from the host. `copies` is used by nobody else.
  Staging(const Queue& compute, cudaStream_t copies, Pool& pool, std::size_t bytes);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Ordered with what the compute stream holds; `host` may change on return. Waits where the compute stream
  // is behind by more than seven eighths of the ring. Page-locked memory is not copied on the host; the call
  // returns when the copy stream has fetched it.
  void upload(void* device, const void* host, std::size_t bytes);

 private:
  static constexpr std::size_t parts = 8;
  cudaStream_t compute_, copies_;
  std::size_t part_;  // bytes
  void* host_ = nullptr;
  Temporary device_;
  Event arrived_;                   // the copy stream's last piece
  std::array<Event, parts> moved_;  // of each part of the ring: the compute stream has taken what it held
  std::size_t current_ = 0, used_ = 0;
};

}  // namespace thaw::cuda
