// The receipt: proof that frozen tensors did not change.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layers/module.h"

namespace thaw {

// 64-bit multiply-xor over 8-byte words: tells equal bits from changed ones, not made against an adversary.
std::uint64_t hash_bytes(const void* data, std::size_t bytes);
// Of the values, wherever they lie.
std::uint64_t hash_tensor(const Tensor& tensor);
// Of all names and values, in whatever order they stand.
std::uint64_t hash_state_dict(const StateDict& tensors);

class FreezeReceipt {
 public:
  FreezeReceipt() = default;  // of nothing
  // Hashes the frozen parameters below `module` and the buffers of its frozen modules. Buffers of a BatchNorm
  // whose policy is `train` move by intent and are left out.
  explicit FreezeReceipt(Module& module);

  std::size_t tensors() const { return entries_.size(); }
  // "122 frozen tensors, 0 bits changed". Throws Error naming the first tensor that changed or is gone.
  std::string verify(Module& module) const;

 private:
  struct Entry {
    std::string name;
    std::uint64_t hash;
  };
  std::vector<Entry> entries_;
};

}  // namespace thaw
