#include "kernels/cuda/staging.h"

#include <algorithm>
#include <cstring>

namespace thaw::cuda {

Staging::~Staging() {
  for (const Slot& slot : slots_) {
    if (slot.read) {
      cudaEventSynchronize(slot.read);
      cudaEventDestroy(slot.read);
    }
    cudaFreeHost(slot.memory);
  }
}

Staging::Slot& Staging::next_free_slot() {
  Slot& slot = slots_[next_];
  next_ = (next_ + 1) % slots_.size();
  if (!slot.memory)
    check(cudaHostAlloc(&slot.memory, slot_bytes, cudaHostAllocDefault), "page-locked memory for uploads");
  if (!slot.read)
    check(cudaEventCreateWithFlags(&slot.read, cudaEventDisableTiming), "an event for uploads");
  else
    check(cudaEventSynchronize(slot.read), "waiting for an upload");
  return slot;
}

void Staging::upload(const Queue& queue, void* device, const void* host, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t piece = std::min(slot_bytes, bytes - done);
    Slot& slot = next_free_slot();
    std::memcpy(slot.memory, static_cast<const char*>(host) + done, piece);
    check(cudaMemcpyAsync(static_cast<char*>(device) + done, slot.memory, piece, cudaMemcpyHostToDevice,
                          queue.stream),
          "upload");
    check(cudaEventRecord(slot.read, queue.stream), "upload");
    done += piece;
  }
}

}  // namespace thaw::cuda
