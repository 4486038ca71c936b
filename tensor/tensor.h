// Tensor: shape, type and shared storage, on a backend or in plain host memory.
//
// Layout: tensors of rank 4 (activations [N,C,H,W], convolution weights [O,I,H,W], pictures) lie
// channels-last in memory ([N,H,W,C], [O,H,W,I]), pixels `pitch` elements apart; all others lie row-major in
// their logical order. Files hold PyTorch's order; io/ converts (to_contiguous, from_contiguous below).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "tensor/shape.h"

namespace thaw {

class Tensor {
 public:
  Tensor() = default;  // undefined

  // Uninitialised, on `backend` (which must outlive it), or in host memory.
  static Tensor empty(Backend& backend, Shape shape, DType type = DType::f32);
  static Tensor empty_host(Shape shape, DType type = DType::f32);
  static Tensor zeros(Backend& backend, Shape shape, DType type = DType::f32);
  // Takes its memory when data() is first asked for.
  static Tensor zeros_host(Shape shape, DType type = DType::f32);

  bool defined() const { return storage_ != nullptr; }
  // Whether no other tensor shares the storage.
  bool sole() const { return storage_.use_count() == 1; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return type_; }
  std::int64_t elements() const { return shape_.elements(); }
  std::size_t bytes() const;  // of the elements, without gaps; throws Error where 64 bits do not hold it
  Backend* backend() const;   // null: host memory
  std::int64_t pitch() const { return pitch_; }
  bool packed() const;

  void* data() const;
  template <class T>
  T* as() const {
    return static_cast<T*>(data());
  }

  // The view of a rank-4 tensor, of a rank-2 tensor [N,F] as N pixels of F channels, or of a rank-1 tensor
  // [F] as one.
  View view() const;

  // Channels [begin, end) of a rank-4 or rank-2 tensor, sharing storage.
  Tensor channels(std::int64_t begin, std::int64_t end) const;
  // Rows [begin, end) along the first dimension, sharing storage.
  Tensor rows(std::int64_t begin, std::int64_t end) const;
  // `elements` elements of a packed tensor from `offset` as a tensor of `shape`, sharing storage: slots of an
  // arena.
  Tensor slot(std::int64_t offset, Shape shape) const;
  // Other shape of the same number of elements, sharing storage. Only between layouts that lie the same in
  // memory: row-major shapes, or [N,C,1,1] and [N,C]. Throws otherwise.
  Tensor reshape(Shape shape) const;

  Tensor to_host() const;               // packed copy in host memory
  Tensor to(Backend& backend) const;    // packed copy on `backend`
  void copy_from(const Tensor& other);  // same shape and type; both packed; any devices

 private:
  struct Storage;
  std::shared_ptr<Storage> storage_;
  std::int64_t offset_ = 0;
  std::int64_t pitch_ = 0;
  Shape shape_;
  DType type_ = DType::f32;
};

// The f32 values of a host or device tensor in PyTorch's contiguous order, and the other way round (into host
// memory).
std::vector<float> to_contiguous(const Tensor& tensor);
Tensor from_contiguous(std::span<const float> values, Shape shape);

// For rank-4 tensors of any type: reorders raw elements of `size` bytes between [N,C,H,W] and [N,H,W,C].
void channels_first_to_last(const Shape& shape, std::size_t size, const void* from, void* to);
void channels_last_to_first(const Shape& shape, std::size_t size, const void* from, void* to);

}  // namespace thaw
