#include "tensor/tensor.h"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

namespace thaw {

// Host memory is taken when it is first asked for: a network can be built, and compared with a file, without
// any.
struct Tensor::Storage {
  Storage(Backend* where, std::size_t size, bool zero = false) : backend(where), bytes(size), zeros(zero) {
    if (backend != nullptr) data = backend->allocate(bytes);
  }
  ~Storage() {
    if (backend != nullptr)
      backend->deallocate(data, bytes);
    else
      ::operator delete (data, std::align_val_t{64});
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* get() {
    if (backend != nullptr) return data;
    std::call_once(taken, [this] {
      data = ::operator new (bytes, std::align_val_t{64});
      if (zeros) std::memset(data, 0, bytes);
    });
    return data;
  }

  Backend* backend;
  std::size_t bytes;
  bool zeros;
  void* data = nullptr;
  std::once_flag taken;
};

namespace {

// Elements from one pixel (rank 4), row (rank 2) or element to the next when nothing lies between.
std::int64_t packed_pitch(const Shape& shape) {
  return shape.rank() == 4 || shape.rank() == 2 ? shape[1] : 1;
}

void check_copy(const Tensor& to, const Tensor& from) {
  if (to.shape() != from.shape() || to.dtype() != from.dtype())
    throw Error("tensor copy: " + std::string(dtype_name(from.dtype())) + from.shape().text() +
                " does not fit " + dtype_name(to.dtype()) + to.shape().text());
}

Tensor pack_on_host(const Tensor& slice) {
  Tensor dense = Tensor::empty_host(slice.shape(), slice.dtype());
  const View from = slice.view();
  const std::size_t run = static_cast<std::size_t>(from.c) * item_size(from.type);
  const std::size_t step = static_cast<std::size_t>(from.pitch) * item_size(from.type);
  for (std::size_t p = 0; p < static_cast<std::size_t>(from.pixels()); ++p)
    std::memcpy(dense.as<char>() + p * run, slice.as<char>() + p * step, run);
  return dense;
}

}  // namespace

Tensor Tensor::empty(Backend& backend, Shape shape, DType type) {
  Tensor t;
  t.pitch_ = packed_pitch(shape);
  t.shape_ = std::move(shape);
  t.type_ = type;
  t.storage_ = std::make_shared<Storage>(&backend, t.bytes());
  return t;
}

Tensor Tensor::empty_host(Shape shape, DType type) {
  Tensor t;
  t.pitch_ = packed_pitch(shape);
  t.shape_ = std::move(shape);
  t.type_ = type;
  t.storage_ = std::make_shared<Storage>(nullptr, t.bytes());
  return t;
}

Tensor Tensor::zeros(Backend& backend, Shape shape, DType type) {
  Tensor t = empty(backend, std::move(shape), type);
  backend.zero(t.data(), t.bytes());
  return t;
}

Tensor Tensor::zeros_host(Shape shape, DType type) {
  Tensor t;
  t.pitch_ = packed_pitch(shape);
  t.shape_ = std::move(shape);
  t.type_ = type;
  t.storage_ = std::make_shared<Storage>(nullptr, t.bytes(), true);
  return t;
}

std::size_t Tensor::bytes() const {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<std::size_t>(elements()), item_size(type_), &bytes))
    throw Error("tensor " + shape_.text() + ": more bytes than 64 bits can count");
  return bytes;
}

Backend* Tensor::backend() const {
  return storage_ != nullptr ? storage_->backend : nullptr;
}

bool Tensor::packed() const {
  return pitch_ == packed_pitch(shape_);
}

void* Tensor::data() const {
  check(defined(), "tensor: undefined, it has no data");
  return static_cast<char*>(storage_->get()) + static_cast<std::size_t>(offset_) * item_size(type_);
}

View Tensor::view() const {
  View v;
  v.data = data();
  v.type = type_;
  switch (shape_.rank()) {
    case 4:
      v.n = shape_[0], v.c = shape_[1], v.h = shape_[2], v.w = shape_[3];
      v.pitch = pitch_;
      break;
    case 2:
      v.n = shape_[0], v.c = shape_[1];
      v.pitch = pitch_;
      break;
    case 1:
      v.n = 1, v.c = v.pitch = shape_[0];
      break;
    default:
      throw Error("tensor: " + shape_.text() + " has no view; views take rank 4, 2 or 1");
  }
  return v;
}

Tensor Tensor::channels(std::int64_t begin, std::int64_t end) const {
  if ((shape_.rank() != 4 && shape_.rank() != 2) || begin < 0 || begin > end || end > shape_[1])
    throw Error("tensor: no channels " + std::to_string(begin) + ".." + std::to_string(end) + " in " +
                shape_.text());
  Tensor t = *this;
  t.offset_ += begin;
  t.shape_[1] = end - begin;
  return t;
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t end) const {
  if (shape_.rank() == 0 || begin < 0 || begin > end || end > shape_[0])
    throw Error("tensor: no rows " + std::to_string(begin) + ".." + std::to_string(end) + " in " +
                shape_.text());
  std::int64_t row = pitch_;  // elements from one row to the next
  if (shape_.rank() == 4) {
    row = shape_[2] * shape_[3] * pitch_;
  } else if (shape_.rank() != 2) {
    row = 1;
    for (std::size_t i = 1; i < shape_.rank(); ++i) row *= shape_[i];
  }
  Tensor t = *this;
  t.offset_ += begin * row;
  t.shape_[0] = end - begin;
  return t;
}

Tensor Tensor::slot(std::int64_t offset, Shape shape) const {
  if (!packed() || offset < 0 || shape.elements() > elements() - offset)
    throw Error("tensor: no slot " + shape.text() + " at " + std::to_string(offset) + " in " + shape_.text());
  Tensor t = *this;
  t.offset_ += offset;
  t.pitch_ = packed_pitch(shape);
  t.shape_ = std::move(shape);
  return t;
}

Tensor Tensor::reshape(Shape shape) const {
  const auto row_major = [](const Shape& s) {
    return s.rank() != 4 || (s[2] == 1 && s[3] == 1) || s[1] == 1;
  };
  if (shape.elements() != elements() || !row_major(shape) || !row_major(shape_) || !packed())
    throw Error("tensor: " + shape_.text() + " cannot be seen as " + shape.text() +
                " without moving elements");
  Tensor t = *this;
  t.pitch_ = packed_pitch(shape);
  t.shape_ = std::move(shape);
  return t;
}

Tensor Tensor::to_host() const {
  if (!packed()) {
    if (backend() == nullptr) return pack_on_host(*this);
    Tensor dense = empty(*backend(), shape_, type_);
    (*backend())(Copy{.x = view(), .y = dense.view()});
    return dense.to_host();
  }
  Tensor host = empty_host(shape_, type_);
  host.copy_from(*this);
  return host;
}

Tensor Tensor::to(Backend& backend) const {
  if (!packed()) return to_host().to(backend);
  Tensor t = empty(backend, shape_, type_);
  t.copy_from(*this);
  return t;
}

void Tensor::copy_from(const Tensor& other) {
  check_copy(*this, other);
  check(packed() && other.packed(), "tensor copy: both tensors must be packed");
  Backend* to = backend();
  Backend* from = other.backend();
  if (bytes() == 0) return;
  if (to == nullptr && from == nullptr)
    std::memcpy(data(), other.data(), bytes());
  else if (to == nullptr)
    from->download(data(), other.data(), bytes());
  else if (from == nullptr)
    to->upload(data(), other.data(), bytes());
  else if (to == from)
    to->copy_bytes(data(), other.data(), bytes());
  else
    copy_from(other.to_host());
}

void channels_first_to_last(const Shape& shape, std::size_t size, const void* from, void* to) {
  const std::int64_t channels = shape[1], pixels = shape[2] * shape[3];
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t p = 0; p < pixels; ++p)
        std::memcpy(
            static_cast<char*>(to) + static_cast<std::size_t>((n * pixels + p) * channels + c) * size,
            static_cast<const char*>(from) + static_cast<std::size_t>((n * channels + c) * pixels + p) * size,
            size);
}

void channels_last_to_first(const Shape& shape, std::size_t size, const void* from, void* to) {
  // [N,H,W,C] read as [N,"C"=H*W,"H"=C,1] is the same reordering the other way round.
  channels_first_to_last({shape[0], shape[2] * shape[3], shape[1], 1}, size, from, to);
}

std::vector<float> to_contiguous(const Tensor& tensor) {
  check(tensor.dtype() == DType::f32 || tensor.dtype() == DType::bf16, "to_contiguous: takes f32 and bf16");
  Tensor host = tensor.to_host();
  if (host.dtype() == DType::bf16) {
    Tensor wide = Tensor::empty_host(host.shape());
    for (std::int64_t i = 0; i < host.elements(); ++i)
      wide.as<float>()[i] = static_cast<float>(host.as<bf16>()[i]);
    host = wide;
  }
  std::vector<float> values(static_cast<std::size_t>(host.elements()));
  if (values.empty()) return values;
  if (host.shape().rank() == 4)
    channels_last_to_first(host.shape(), sizeof(float), host.data(), values.data());
  else
    std::memcpy(values.data(), host.data(), host.bytes());
  return values;
}

Tensor from_contiguous(std::span<const float> values, Shape shape) {
  if (static_cast<std::int64_t>(values.size()) != shape.elements())
    throw Error("from_contiguous: " + std::to_string(values.size()) + " values for shape " + shape.text());
  Tensor host = Tensor::empty_host(std::move(shape));
  if (values.empty()) return host;
  if (host.shape().rank() == 4)
    channels_first_to_last(host.shape(), sizeof(float), values.data(), host.data());
  else
    std::memcpy(host.data(), values.data(), host.bytes());
  return host;
}

}  // namespace thaw
