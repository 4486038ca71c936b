#include "tensor/state_dict.h"

namespace thaw {

void StateDict::add(std::string name, Tensor tensor) {
  if (!index_.emplace(name, entries_.size()).second)
    throw Error("state dict: the name '" + name + "' occurs twice; every tensor needs a name of its own");
  entries_.emplace_back(std::move(name), std::move(tensor));
}

const Tensor* StateDict::find(const std::string& name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &entries_[it->second].second;
}

const Tensor& StateDict::at(const std::string& name) const {
  const Tensor* tensor = find(name);
  if (tensor == nullptr) throw Error("state dict: there is no tensor named '" + name + "'");
  return *tensor;
}

}  // namespace thaw
