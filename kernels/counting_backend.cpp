#include "kernels/counting_backend.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace thaw {

namespace {

class Again final : public Recording {
 public:
  explicit Again(std::function<void()> step) : step_(std::move(step)) {}
  void replay() override { step_(); }

 private:
  std::function<void()> step_;
};

// Of one convolution, in any of its three directions.
double conv_flops(const Conv2dSpec& spec, std::int64_t output_pixels) {
  return 2.0 * static_cast<double>(output_pixels) * static_cast<double>(spec.weight_elements());
}

double product_flops(std::int64_t rows, std::int64_t in, std::int64_t out) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
}

}  // namespace

void* CountingBackend::allocate(std::size_t bytes) {
  // Large zeroed blocks come from the system untouched, so they take address space and no memory.
  void* pointer = std::calloc(1, std::max<std::size_t>(bytes, 1));
  if (pointer == nullptr)
    throw Error("counting backend: no address space for " + std::to_string(bytes) + " bytes");
  in_use_ += bytes;
  peak_ = std::max(peak_, in_use_);
  return pointer;
}

void CountingBackend::deallocate(void* pointer, std::size_t bytes) noexcept {
  std::free(pointer);
  in_use_ -= bytes;
}

void CountingBackend::download(void* host, const void*, std::size_t bytes) {
  std::memset(host, 0, bytes);
}

std::unique_ptr<Recording> CountingBackend::record(std::function<void()> step) {
  step();
  return std::make_unique<Again>(std::move(step));
}

void CountingBackend::conv2d_forward(const Conv2dSpec& spec, ConstView, Weights, const float*, ConstView,
                                     Activation, View y) {
  flops_ += conv_flops(spec, y.pixels());
}

void CountingBackend::conv2d_backward_data(const Conv2dSpec& spec, ConstView dy, Weights, View) {
  flops_ += conv_flops(spec, dy.pixels());
}

void CountingBackend::conv2d_backward_weight(const Conv2dSpec& spec, ConstView, ConstView dy, float*, Into) {
  flops_ += conv_flops(spec, dy.pixels());
}

void CountingBackend::linear_forward(ConstView x, Weights, const float*, View y) {
  flops_ += product_flops(x.n, x.c, y.c);
}

void CountingBackend::linear_backward_data(ConstView dy, Weights, View dx) {
  flops_ += product_flops(dy.n, dx.c, dy.c);
}

void CountingBackend::linear_backward_weight(ConstView x, ConstView dy, float*, Into) {
  flops_ += product_flops(x.n, x.c, dy.c);
}

}  // namespace thaw
