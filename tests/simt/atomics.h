// CUDA's atomics for the host compiler: as on a device they order nothing but the value itself, so
// ThreadSanitizer still sees races beside them. There is no __threadfence: what needs one (the last block to
// arrive sums up) has no place in Thaw's kernels. Included by device.h.
#pragma once

#include <atomic>
#include <type_traits>

namespace simt {

// *to = f(*to), and the value before.
template <class T, class F>
T replace(T* to, F f) {
  std::atomic_ref<T> value(*to);
  T before = value.load(std::memory_order_relaxed);
  while (!value.compare_exchange_weak(before, f(before), std::memory_order_relaxed)) {
  }
  return before;
}

}  // namespace simt

template <class T>
T atomicAdd(T* to, std::type_identity_t<T> value) {
  return simt::replace(to, [=](T before) { return static_cast<T>(before + value); });
}
template <class T>
T atomicSub(T* to, std::type_identity_t<T> value) {
  return simt::replace(to, [=](T before) { return static_cast<T>(before - value); });
}
template <class T>
T atomicMax(T* to, std::type_identity_t<T> value) {
  return simt::replace(to, [=](T before) { return before < value ? value : before; });
}
template <class T>
T atomicMin(T* to, std::type_identity_t<T> value) {
  return simt::replace(to, [=](T before) { return value < before ? value : before; });
}
template <class T>
T atomicOr(T* to, std::type_identity_t<T> value) {
  return simt::replace(to, [=](T before) { return before | value; });
}
template <class T>
T atomicAnd(T* to, std::type_identity_t<T> value) {
  return simt::replace(to, [=](T before) { return before & value; });
}
template <class T>
T atomicExch(T* to, std::type_identity_t<T> value) {
  return simt::replace(to, [=](T) { return value; });
}
template <class T>
T atomicCAS(T* to, std::type_identity_t<T> compare, std::type_identity_t<T> value) {
  std::atomic_ref<T>(*to).compare_exchange_strong(compare, value, std::memory_order_relaxed);
  return compare;
}
