#include "io/file/tensor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "io/file/checked.h"
#include "io/file/text.h"

namespace thaw {
namespace {

bool is_floating(DType type) {
  return type == DType::f32 || type == DType::bf16 || type == DType::f16 || type == DType::f64;
}

float from_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 31u;
  const std::uint32_t mantissa = half & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  // Subnormal: mantissa * 2^-24, exact in f32.
  const float value = static_cast<float>(mantissa) * 0x1p-24f;
  return sign != 0 ? -value : value;
}

float element_as_float(std::span<const std::byte> raw, DType type, std::size_t i) {
  switch (type) {
    case DType::f16:
      return from_half(load_little<std::uint16_t>(raw, 2 * i));
    case DType::bf16:
      return std::bit_cast<float>(std::uint32_t{load_little<std::uint16_t>(raw, 2 * i)} << 16);
    case DType::f64:
      return static_cast<float>(load_little<double>(raw, 8 * i));
    default:
      return load_little<float>(raw, 4 * i);
  }
}

void check_values(std::span<const std::byte> raw, DType type, std::size_t count, const std::string& key,
                  const std::string& file) {
  const bool variance = key == "running_var" || key.ends_with(".running_var");
  for (std::size_t i = 0; i < count; ++i) {
    const float value = element_as_float(raw, type, i);
    if (std::isfinite(value) && !(variance && value < 0)) continue;
    throw Error(file + ": tensor '" + printable(key) + "' holds " + std::to_string(value) + " at index " +
                std::to_string(i) +
                (std::isfinite(value) ? ", a negative variance" : ", which is not finite") +
                "; the training that saved it had failed (the option allow_nonfinite reads it all the same)");
  }
}

}  // namespace

bool shape_bytes(std::span<const std::int64_t> extents, std::size_t item, std::uint64_t& bytes) {
  std::int64_t product = static_cast<std::int64_t>(item);
  bool empty = false;
  for (const std::int64_t extent : extents) {
    empty = empty || extent == 0;
    if (extent < 0 || !checked_mul(product, std::max<std::int64_t>(extent, 1), product)) return false;
  }
  bytes = empty ? 0 : static_cast<std::uint64_t>(product);
  return true;
}

void TensorIntake::admit(const std::string& key, std::uint64_t bytes, std::size_t rank) {
  const ReadLimits& limits = options_.limits;
  const std::string shown = file_ + ": tensor '" + printable(key) + "'";
  if (!valid_utf8(key) || key.find('\0') != std::string::npos)
    throw Error(shown + ": the name is not UTF-8 or holds a NUL");
  if (key.size() > limits.key_bytes)
    throw Error(shown +
                ": the name is longer than the limit key_bytes = " + std::to_string(limits.key_bytes));
  if (rank > limits.rank)
    throw Error(shown + " has " + std::to_string(rank) +
                " dimensions, over the limit rank = " + std::to_string(limits.rank));
  if (++count_ > limits.tensors)
    throw Error(file_ + ": more tensors than the limit tensors = " + std::to_string(limits.tensors));
  if (bytes > limits.tensor_bytes - bytes_)
    throw Error(shown + ": all tensors together exceed the limit tensor_bytes = " +
                std::to_string(limits.tensor_bytes));
  bytes_ += bytes;
}

void TensorIntake::add(const std::string& key, std::span<const std::byte> raw, DType type,
                       const Shape& shape) {
  const std::size_t count = raw.size() / item_size(type);
  if (is_floating(type) && !options_.allow_nonfinite) check_values(raw, type, count, key, file_);
  if (type == DType::boolean &&
      std::any_of(raw.begin(), raw.end(), [](std::byte value) { return value > std::byte{1}; }))
    throw Error(file_ + ": tensor '" + printable(key) + "' is boolean and holds a byte other than 0 and 1");
  std::vector<std::byte> aligned;
  if (options_.convert_floats && is_floating(type) && type != DType::f32) {
    ++converted_[type];
    aligned.resize(count * sizeof(float));
    for (std::size_t i = 0; i < count; ++i) {
      const float value = element_as_float(raw, type, i);
      std::memcpy(aligned.data() + i * sizeof(float), &value, sizeof(float));
    }
    type = DType::f32;
  } else {
    aligned.assign(raw.begin(), raw.end());
  }
  Tensor tensor = Tensor::empty_host(shape, type);
  if (count > 0 && shape.rank() == 4)
    channels_first_to_last(shape, item_size(type), aligned.data(), tensor.data());
  else if (count > 0)
    std::memcpy(tensor.data(), aligned.data(), aligned.size());
  if (tensors_.contains(key))
    throw Error(file_ + ": two tensors are named '" + printable(key) + "'; the file is ambiguous");
  tensors_.add(key, std::move(tensor));
}

StateDict TensorIntake::finish(std::vector<std::string>& notes) {
  for (const auto& [type, count] : converted_)
    notes.push_back("converted " + std::to_string(count) + " tensors from " + dtype_name(type) + " to f32");
  return std::move(tensors_);
}

std::vector<std::byte> contiguous_bytes(const Tensor& tensor) {
  if (!tensor.defined()) throw Error("an undefined tensor cannot be written");
  const Tensor host = tensor.backend() != nullptr || !tensor.packed() ? tensor.to_host() : tensor;
  const auto* from = static_cast<const std::byte*>(host.data());
  std::vector<std::byte> out(host.bytes());
  if (out.empty()) return out;
  if (host.shape().rank() == 4)
    channels_last_to_first(host.shape(), item_size(host.dtype()), from, out.data());
  else
    std::memcpy(out.data(), from, out.size());
  return out;
}

}  // namespace thaw
