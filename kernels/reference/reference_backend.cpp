// The Backend whose ops are the plain loops of this folder: slow, and what the other backends are compared
// with.
#include <cstring>
#include <string>

#include "kernels/backend.h"
#include "kernels/reference/activation.h"
#include "kernels/reference/batch_norm.h"
#include "kernels/reference/conv2d.h"
#include "kernels/reference/dropout.h"
#include "kernels/reference/elementwise.h"
#include "kernels/reference/flatten.h"
#include "kernels/reference/linear.h"
#include "kernels/reference/losses.h"
#include "kernels/reference/memory.h"
#include "kernels/reference/norm_relu_pool.h"
#include "kernels/reference/normalize.h"
#include "kernels/reference/optimizer_step.h"
#include "kernels/reference/pool2d.h"
#include "kernels/reference/shortcut_a.h"

namespace thaw::reference {
namespace {

class ReferenceBackend final : public BackendOf<ReferenceBackend> {
 public:
  std::string name() const override { return "reference"; }
  std::string description() const override {
    return "plain loops on one thread, for checking the other devices";
  }
  bool host_memory() const override { return true; }
  bool supports(DType activations) const override {
    return activations == DType::f32 || activations == DType::bf16;
  }

  void* allocate(std::size_t bytes) override { return cache_.allocate(bytes); }
  void deallocate(void* pointer, std::size_t) noexcept override { cache_.deallocate(pointer); }
  std::size_t bytes_in_use() const override { return cache_.bytes_in_use(); }
  std::size_t peak_bytes() const override { return cache_.peak_bytes(); }
  void reset_peak() override { cache_.reset_peak(); }
  void upload(void* device, const void* host, std::size_t bytes) override { copy_bytes(device, host, bytes); }
  void download(void* host, const void* device, std::size_t bytes) override {
    copy_bytes(host, device, bytes);
  }
  void copy_bytes(void* to, const void* from, std::size_t bytes) override {
    if (bytes != 0) std::memcpy(to, from, bytes);
  }
  void zero(void* pointer, std::size_t bytes) override {
    if (bytes != 0) std::memset(pointer, 0, bytes);
  }
  void synchronize() override {}

  template <class Op>
  void compute(const Op& op) {
    reference::run(op);
  }

 private:
  BlockCache cache_;
};

}  // namespace
}  // namespace thaw::reference

namespace thaw {

std::unique_ptr<Backend> make_reference_backend() {
  return std::make_unique<reference::ReferenceBackend>();
}

}  // namespace thaw
