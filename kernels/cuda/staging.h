// Copies from the host through page-locked memory, which the device reads by itself while the host goes on.
#pragma once

#include <array>
#include <cstddef>

#include "kernels/cuda/queue.h"

namespace thaw::cuda {

class Staging {
 public:
  Staging() = default;
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Queues the copy; `host` may change on return. Large copies pass through the slots piece by piece.
  void upload(const Queue& queue, void* device, const void* host, std::size_t bytes);

 private:
  static constexpr std::size_t slot_bytes = std::size_t{4} << 20;
  struct Slot {
    void* memory = nullptr;
    cudaEvent_t read = nullptr;  // the device has read the slot's last contents
  };
  Slot& next_free_slot();

  std::array<Slot, 4> slots_;
  std::size_t next_ = 0;
};

}  // namespace thaw::cuda
