// What the tests of emulated kernels share: device arrays, a queue, pitched views filled from Philox.
#pragma once

#include <cuda_runtime.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "kernels/cuda/queue.h"
#include "kernels/philox.h"
#include "kernels/views.h"
#include "tests/simt/simt.h"

namespace thaw::simt_test {

// A non-blocking stream and the queue over it.
class TestQueue {
 public:
  TestQueue() {
    queue.multiprocessors = ::simt::multiprocessors();
    cuda::check(cudaStreamCreateWithFlags(&queue.stream, cudaStreamNonBlocking), "stream");
  }
  ~TestQueue() { cudaStreamDestroy(queue.stream); }
  TestQueue(const TestQueue&) = delete;
  TestQueue& operator=(const TestQueue&) = delete;
  void wait() const { cuda::check(cudaStreamSynchronize(queue.stream), "synchronize"); }

  cuda::Queue queue;
};

// Device memory that holds `values`, or NaN.
template <class T>
class DeviceArray {
 public:
  DeviceArray(const TestQueue& queue, std::size_t count) : queue_(queue), count_(count) {
    cuda::check(cudaMalloc(&memory_, count * sizeof(T)), "malloc");
  }
  DeviceArray(const TestQueue& queue, const std::vector<T>& values) : DeviceArray(queue, values.size()) {
    const std::size_t bytes = count_ * sizeof(T);
    cuda::check(cudaMemcpyAsync(memory_, values.data(), bytes, cudaMemcpyHostToDevice, queue.queue.stream),
                "upload");
    queue.wait();
  }
  ~DeviceArray() { cudaFree(memory_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return static_cast<T*>(memory_); }
  std::vector<T> host() const {
    std::vector<T> values(count_);
    const std::size_t bytes = count_ * sizeof(T);
    cuda::check(cudaMemcpyAsync(values.data(), memory_, bytes, cudaMemcpyDeviceToHost, queue_.queue.stream),
                "download");
    queue_.wait();
    return values;
  }

 private:
  const TestQueue& queue_;
  std::size_t count_;
  void* memory_ = nullptr;
};

// An environment variable has this value, or none, as long as the object lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = getenv(name)) before_ = before;
    set(value);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) const { value ? setenv(name_, value, 1) : unsetenv(name_); }
  const char* name_;
  std::optional<std::string> before_;
};

template <class T>
constexpr DType dtype_of() {
  return sizeof(T) == 4 ? DType::f32 : DType::bf16;
}

// `count` values in [-1, 1), rounded to T.
template <class T>
std::vector<T> random_values(std::size_t count, std::uint64_t seed) {
  PhiloxStream stream(seed, Purpose::test, 0, 0);
  std::vector<T> values(count);
  for (T& value : values) value = T(2.0f * stream.uniform() - 1.0f);
  return values;
}

template <class T>
View view_of(const DeviceArray<T>& array, std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c,
             std::int64_t pitch) {
  View view;
  view.data = array.data();
  view.type = dtype_of<T>();
  view.n = n;
  view.h = h;
  view.w = w;
  view.c = c;
  view.pitch = pitch;
  return view;
}

inline bool same_bits(float a, float b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

}  // namespace thaw::simt_test
