// The Backend for NVIDIA GPUs: a compute stream on device 0 and a copy stream for uploads, one memory pool,
// cuDNN for convolutions, cuBLASLt for linear layers, own kernels (ops.h) for everything else.
#pragma once

#include <string>

#include "kernels/backend.h"
#include "kernels/cuda/conv2d.h"
#include "kernels/cuda/linear.h"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/queue.h"
#include "kernels/cuda/staging.h"
#include "kernels/cuda/stream.h"

namespace thaw::cuda {

class CudaBackend final : public BackendOf<CudaBackend> {
 public:
  explicit CudaBackend(const BackendOptions& options);

  std::string name() const override { return "cuda"; }
  std::string description() const override { return description_; }
  bool host_memory() const override { return false; }
  bool supports(DType activations) const override {
    return activations == DType::f32 || activations == DType::bf16;
  }

  void* allocate(std::size_t bytes) override { return pool_.allocate(bytes); }
  void deallocate(void* pointer, std::size_t) noexcept override { pool_.deallocate(pointer); }
  std::size_t bytes_in_use() const override { return pool_.bytes_in_use(); }
  std::size_t peak_bytes() const override { return pool_.peak_bytes(); }
  void reset_peak() override { pool_.reset_peak(); }
  void upload(void* device, const void* host, std::size_t bytes) override;
  std::shared_ptr<void> upload_source(std::size_t bytes) override;
  void download(void* host, const void* device, std::size_t bytes) override;
  void copy_bytes(void* to, const void* from, std::size_t bytes) override;
  void zero(void* pointer, std::size_t bytes) override;
  void synchronize() override;
  std::unique_ptr<Recording> record(std::function<void()> step) override;

  // By cuDNN, by cuBLASLt, or by a kernel of our own with a workspace from the pool.
  template <class Op>
  void compute(const Op& op) {
    if constexpr (requires { convolutions_.run(op); }) {
      convolutions_.run(op);
    } else if constexpr (requires { linear_.run(op); }) {
      linear_.run(op);
    } else {
      const std::size_t bytes = workspace_bytes(queue_, op);
      const Temporary workspace(pool_, bytes);
      cuda::run(queue_, op, {workspace.data(), bytes});
    }
  }

 private:
  void refuse_while_recording(const char* what) const;

  std::string description_;
  Stream stream_, copies_;
  Queue queue_;
  Pool pool_;
  Staging staging_;
  Convolutions convolutions_;
  Linear linear_;
};

}  // namespace thaw::cuda
