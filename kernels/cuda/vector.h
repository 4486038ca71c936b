// Element types in device code, and V neighbouring elements moved by one instruction.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/error.h"
#include "kernels/views.h"

#if defined(__CUDACC__)
// Checked by the emulator of the tests, which defines its own: a GPU faults on a misaligned access, a host
// processor does not.
#define THAW_ALIGNED(pointer, bytes)
#endif

namespace thaw::cuda {

__device__ inline float to_float(float value) {
  return value;
}
__device__ inline float to_float(__nv_bfloat16 value) {
  return __bfloat162float(value);
}

__device__ inline void assign(float& to, float value) {
  to = value;
}
__device__ inline void assign(__nv_bfloat16& to, float value) {
  to = __float2bfloat16(value);
}

template <class T, int V>
struct alignas(sizeof(T) * V) Vector {
  T v[V];
};

template <int V, class T>
__device__ inline Vector<T, V> load(const T* from) {
  THAW_ALIGNED(from, sizeof(Vector<T, V>));
  return *reinterpret_cast<const Vector<T, V>*>(from);
}

template <int V, class T>
__device__ inline void store(T* to, const Vector<T, V>& value) {
  THAW_ALIGNED(to, sizeof(Vector<T, V>));
  *reinterpret_cast<Vector<T, V>*>(to) = value;
}

// A view in device code: pixel p begins at data + p * pitch.
template <class T>
struct Pixels {
  T* data = nullptr;
  std::int64_t pitch = 0;
};

// Whether every pixel of `view` can be read in pieces of `elements` elements, each aligned to its size.
template <class AnyView>
bool aligned_for(const AnyView& view, std::int64_t elements) {
  const auto bytes = static_cast<std::uintptr_t>(elements) * item_size(view.type);
  return reinterpret_cast<std::uintptr_t>(view.data) % bytes == 0 && view.c % elements == 0 &&
         view.pitch % elements == 0;
}

// Calls f(T{}) with the element type of `type`. Throws Error that names `op` for types that no network
// computes in.
template <class F>
void with_type(const char* op, DType type, F f) {
  if (type == DType::f32)
    f(float{});
  else if (type == DType::bf16)
    f(__nv_bfloat16{});
  else
    throw Error(std::string(op) + ": activations of type " + dtype_name(type) +
                "; cuda computes in f32 and bf16");
}

}  // namespace thaw::cuda
