// CUDA's device language for a plain C++20 host compiler. The build puts this header before every .cu source
// (-include), so that kernels need no line of their own for the emulator.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <tuple>
#include <type_traits>

#include "tests/simt/simt.h"

// A kernel's launch bound becomes as many one-byte instructions that do nothing before its entry, and a
// record of where they begin: launch_bound() reads it back from the kernel's address.
#undef __launch_bounds__
#if defined(__x86_64__)
#define SIMT_FIRST(first, ...) (first)
#define __launch_bounds__(...) \
  __attribute__((patchable_function_entry(SIMT_FIRST(__VA_ARGS__, ), SIMT_FIRST(__VA_ARGS__, ))))
#else
#define __launch_bounds__(...)
#endif

#define THAW_SHARED(type, name, extents)                          \
  using name##_type = type extents;                               \
  static thread_local constinit ::simt::SharedSlot name##_slot{}; \
  name##_type& name = *static_cast<name##_type*>(                 \
      ::simt::shared_array(name##_slot, sizeof(name##_type), alignof(name##_type)))

// extern __shared__ type name[];
#define THAW_DYNAMIC_SHARED(type, name) type* name = static_cast<type*>(::simt::dynamic_shared())

#define THAW_ALIGNED(pointer, bytes) ::simt::check_aligned(pointer, bytes)

extern constinit thread_local uint3 threadIdx, blockIdx;
extern constinit thread_local dim3 blockDim, gridDim;

using SimtLocation = simt::Location;

inline void __syncthreads(SimtLocation where = SimtLocation::current()) {
  simt::barrier(false, where);
}

inline int __syncthreads_count(int predicate, SimtLocation where = SimtLocation::current()) {
  return static_cast<int>(simt::barrier(predicate != 0, where));
}

inline int __syncthreads_or(int predicate, SimtLocation where = SimtLocation::current()) {
  return simt::barrier(predicate != 0, where) != 0;
}

inline int __syncthreads_and(int predicate, SimtLocation where = SimtLocation::current()) {
  return simt::barrier(predicate == 0, where) == 0;
}

inline void __syncwarp(unsigned mask = ~0u, SimtLocation where = SimtLocation::current()) {
  simt::warp_op(simt::Op::warp_barrier, mask, 0, -1, where);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, SimtLocation where = SimtLocation::current()) {
  return static_cast<unsigned>(simt::warp_op(simt::Op::ballot, mask, predicate != 0, -1, where));
}

inline int __any_sync(unsigned mask, int predicate, SimtLocation where = SimtLocation::current()) {
  return __ballot_sync(mask, predicate, where) != 0;
}

inline int __all_sync(unsigned mask, int predicate, SimtLocation where = SimtLocation::current()) {
  return __ballot_sync(mask, predicate == 0, where) == 0;
}

namespace simt {

template <class T>
T shuffle(unsigned mask, T value, int source, Location where) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = warp_op(Op::shuffle, mask, bits, source, where);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Bytes that a kernel's parameters take, each at its own alignment.
template <class... P>
constexpr std::size_t parameter_bytes() {
  std::size_t end = 0;
  ((end = (end + alignof(P) - 1) / alignof(P) * alignof(P) + sizeof(P)), ...);
  return end;
}

// Runs `kernel` over the grid; the arguments are converted and copied when it is queued, as CUDA does.
template <class... P, class... A>
cudaError_t launch_shared(const char* name, void (*kernel)(P...), dim3 grid, dim3 block,
                          std::size_t dynamic_shared, cudaStream_t stream, A... args) {
  static_assert((std::is_trivially_copyable_v<P> && ...), "kernel parameters are copied as bytes");
  std::tuple<P...> held(static_cast<P>(args)...);
  return enqueue_launch(stream,
                        {name, grid, block, dynamic_shared, [kernel, held] { std::apply(kernel, held); },
                         reinterpret_cast<const void*>(kernel), parameter_bytes<P...>()});
}

template <class... P, class... A>
cudaError_t launch(const char* name, void (*kernel)(P...), dim3 grid, dim3 block, cudaStream_t stream,
                   A... args) {
  return launch_shared(name, kernel, grid, block, 0, stream, args...);
}

}  // namespace simt

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int other, int width = 32,
                  SimtLocation where = SimtLocation::current()) {
  const int self = static_cast<int>(simt::lane()), from = self ^ other;
  return simt::shuffle(mask, value, from <= (self | (width - 1)) ? from : self, where);
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   SimtLocation where = SimtLocation::current()) {
  const int self = static_cast<int>(simt::lane()), from = self + static_cast<int>(delta);
  return simt::shuffle(mask, value, from <= (self | (width - 1)) ? from : self, where);
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 SimtLocation where = SimtLocation::current()) {
  const int self = static_cast<int>(simt::lane()), from = self - static_cast<int>(delta);
  return simt::shuffle(mask, value, from >= (self & ~(width - 1)) ? from : self, where);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              SimtLocation where = SimtLocation::current()) {
  const int self = static_cast<int>(simt::lane());
  return simt::shuffle(mask, value, (self & ~(width - 1)) | (source & (width - 1)), where);
}

#include "tests/simt/atomics.h"
