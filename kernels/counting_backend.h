// A Backend that computes nothing: it hands out memory that nobody touches and counts operations and bytes.
// Running a network on it tells what a step costs without taking it. Contents of its memory are zero or
// unspecified.
#pragma once

#include <memory>

#include "kernels/backend.h"

namespace thaw {

class CountingBackend : public BackendOf<CountingBackend> {
 public:
  // Multiplications and additions of convolutions and matrix products since the beginning, 2 per
  // multiply-add (Cost); the rest of a network is a few per cent.
  double flops() const { return flops_; }

  std::string name() const override { return "counting"; }
  std::string description() const override { return "counts operations and bytes, computes nothing"; }
  bool host_memory() const override { return true; }
  bool supports(DType) const override { return true; }
  void* allocate(std::size_t bytes) override;
  void deallocate(void* pointer, std::size_t bytes) noexcept override;
  std::size_t bytes_in_use() const override { return in_use_; }
  std::size_t peak_bytes() const override { return peak_; }
  void reset_peak() override { peak_ = in_use_; }
  void upload(void*, const void*, std::size_t) override {}
  void download(void* host, const void* device, std::size_t bytes) override;  // zeros
  void copy_bytes(void*, const void*, std::size_t) override {}
  void zero(void*, std::size_t) override {}
  void synchronize() override {}

  template <class Op>
  void compute(const Op& op) {
    flops_ += static_cast<double>(op.cost().flops);
  }

 private:
  double flops_ = 0.0;
  std::size_t in_use_ = 0, peak_ = 0;
};

}  // namespace thaw
