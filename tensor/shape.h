// A tensor's logical extents, in PyTorch's order.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace thaw {

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents) : extents_(extents) {}
  explicit Shape(std::vector<std::int64_t> extents) : extents_(std::move(extents)) {}

  std::size_t rank() const { return extents_.size(); }
  std::int64_t operator[](std::size_t i) const { return extents_.at(i); }
  std::int64_t& operator[](std::size_t i) { return extents_.at(i); }
  const std::vector<std::int64_t>& extents() const { return extents_; }
  std::int64_t elements() const;  // 1 for rank 0; throws Error where 64 bits do not hold it
  std::string text() const;       // "[64, 3, 7, 7]"
  bool operator==(const Shape&) const = default;

 private:
  std::vector<std::int64_t> extents_;
};

}  // namespace thaw
