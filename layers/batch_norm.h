// Batch normalisation (Ioffe & Szegedy 2015; torch.nn.BatchNorm2d and BatchNorm1d: rows are pictures of one
// pixel).
#pragma once

#include "layers/module.h"

namespace thaw {

class BatchNorm2d : public Module {
 public:
  // eps and momentum default to PyTorch's: running = (1 - momentum) * running + momentum * batch.
  explicit BatchNorm2d(std::int64_t channels, float eps = 1e-5f, float momentum = 0.1f);
  Variable forward(const Variable& x, Mode mode) override;

  // Whether a pass in `mode` normalises by the batch (and moves the running statistics); else by the running
  // ones.
  bool uses_batch(Mode mode) const;
  // running_mean and running_var move towards the batch's, the variance unbiased: n / (n - 1) of the biased
  // one.
  void update_running(const Tensor& mean, const Tensor& biased_var, std::int64_t pixels);

  Parameter weight, bias;            // gamma, beta: [channels]
  Buffer running_mean, running_var;  // [channels]
  Buffer num_batches_tracked;        // i64 [] in host memory
  BatchNormPolicy policy = BatchNormPolicy::automatic;
  std::uint64_t version = 0;  // grows whenever running statistics change
  float eps, momentum;
};

// Sets the policy on every BatchNorm below `module`.
void set_batch_norm_policy(Module& module, BatchNormPolicy policy);

// y = act(batch_norm(x) + residual), one node; residual may be undefined. Gradients: dx and dresidual
// accumulate, dgamma and dbeta go to the parameters. Throws Error when the batch has a single value per
// channel and statistics are wanted.
Variable batch_norm(const Variable& x, BatchNorm2d& bn, const Variable& residual, Activation activation,
                    Mode mode);

}  // namespace thaw
