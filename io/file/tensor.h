// The last step of every reader: raw elements in PyTorch's order become checked, converted tensors in Thaw's
// layout.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/file/read_options.h"
#include "tensor/state_dict.h"

namespace thaw {

// Bytes of `extents` elements of `item` bytes. False when any product of them overflows, zeros counted as
// ones: such a shape is a lie even when it is empty.
bool shape_bytes(std::span<const std::int64_t> extents, std::size_t item, std::uint64_t& bytes);

class TensorIntake {
 public:
  TensorIntake(const ReadOptions& options, std::string file) : options_(options), file_(std::move(file)) {}

  // Counts a tensor against the limits before it is allocated, and checks its name. Throws Error.
  void admit(const std::string& key, std::uint64_t bytes, std::size_t rank);
  // `raw`: the elements row-major in logical order, at any alignment. Converts and checks as the options say.
  void add(const std::string& key, std::span<const std::byte> raw, DType type, const Shape& shape);

  // The tensors taken in, and a note on every conversion.
  StateDict finish(std::vector<std::string>& notes);

 private:
  const ReadOptions& options_;
  const std::string file_;
  StateDict tensors_;
  std::map<DType, std::size_t> converted_;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

// Elements of a host tensor in PyTorch's order, for the writers. Throws Error for undefined tensors; fetches
// from a device.
std::vector<std::byte> contiguous_bytes(const Tensor& tensor);

}  // namespace thaw
