// The devices that answer on this machine. A test body runs on each of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.h"

namespace thaw::test {

// Every backend of this build that answers: reference, cpu, cuda; only the one that the environment variable
// THAW_TEST_BACKEND names, if it is set. They live until the program ends.
const std::vector<std::shared_ptr<Backend>>& backends();

// The one of that name; null if it does not answer here.
Backend* backend_named(const std::string& name);

// The device that a GPU's answers are held against: "cpu", or "reference" where this build has no CPU
// backend.
std::string host_device();

// Why a backend is missing, one line each ("cuda: not run: this build has no CUDA backend").
std::vector<std::string> missing_backends();

struct Device {
  Backend& backend;
  DType type;  // of activations and weights
  std::string text() const { return backend.name() + " " + dtype_name(type); }
};

// Every backend with every type of activations it supports.
std::vector<Device> devices();

// An array in device memory, from host values and back.
template <class T>
class Array {
 public:
  Array(Backend& backend, const std::vector<T>& values)
      : backend_(backend), count_(values.size()), data_(backend.allocate(values.size() * sizeof(T))) {
    backend.upload(data_, values.data(), bytes());
  }
  ~Array() { backend_.deallocate(data_, bytes()); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  T* data() const { return static_cast<T*>(data_); }
  std::size_t bytes() const { return count_ * sizeof(T); }
  void set(const std::vector<T>& values) const { backend_.upload(data_, values.data(), bytes()); }
  std::vector<T> host() const {
    std::vector<T> values(count_);
    backend_.download(values.data(), data_, bytes());
    return values;
  }

 private:
  Backend& backend_;
  std::size_t count_;
  void* data_;
};

}  // namespace thaw::test
