// An ordered map from PyTorch's parameter and buffer names to tensors in host memory (rank 4: channels-last,
// as always).
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace thaw {

class StateDict {
 public:
  using Entry = std::pair<std::string, Tensor>;

  void add(std::string name, Tensor tensor);          // throws Error if the name is there already
  const Tensor* find(const std::string& name) const;  // null: not there
  const Tensor& at(const std::string& name) const;    // throws Error naming it
  bool contains(const std::string& name) const { return find(name) != nullptr; }
  std::size_t size() const { return entries_.size(); }
  const std::vector<Entry>& entries() const { return entries_; }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace thaw
