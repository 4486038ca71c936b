// Arithmetic on sizes that come out of files: an overflow is never a small number.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace thaw {

// False when the result does not fit; `out` is then unspecified.
template <std::integral T>
[[nodiscard]] bool checked_add(T a, T b, T& out) {
  return !__builtin_add_overflow(a, b, &out);
}

template <std::integral T>
[[nodiscard]] bool checked_mul(T a, T b, T& out) {
  return !__builtin_mul_overflow(a, b, &out);
}

// Little-endian load from any alignment; the caller has checked the bounds.
template <class T>
T load_little(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace thaw
