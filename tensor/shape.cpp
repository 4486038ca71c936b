#include "tensor/shape.h"

#include "kernels/error.h"

namespace thaw {

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (const auto extent : extents_)
    if (__builtin_mul_overflow(product, extent, &product))
      throw Error("shape " + text() + ": more elements than 64 bits can count");
  return product;
}

std::string Shape::text() const {
  std::string out = "[";
  for (std::size_t i = 0; i < extents_.size(); ++i) {
    if (i > 0) out += ", ";
    out += std::to_string(extents_[i]);
  }
  return out + "]";
}

}  // namespace thaw
