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
  // weight 1, bias 0, running mean 0, running variance 1, num_batches_tracked 0.
  void reset_parameters(const Initializer& with) override;
  bool moves_buffers(Mode mode) const override { return uses_batch(mode); }
  BatchNormPolicy batch_norm_policy() const override { return policy; }
  void set_batch_norm_policy(BatchNormPolicy to) override { policy = to; }

  // Whether a pass in `mode` normalises by the batch (and moves the running statistics); else by the running
  // ones.
  bool uses_batch(Mode mode) const;
  // Throws Error unless a batch of this shape [N, C, ...] has more than one value per channel.
  void require_statistics(const Shape& batch) const;
  // What a batch's statistics move; counts that they do.
  RunningStatistics move_running();

  Parameter weight, bias;            // gamma, beta: [channels]
  Buffer running_mean, running_var;  // [channels]
  Buffer num_batches_tracked;        // i64 [] in host memory
  BatchNormPolicy policy = BatchNormPolicy::automatic;
  float eps, momentum;
};

// Sets the policy on every BatchNorm below `module`.
void set_batch_norm_policy(Module& module, BatchNormPolicy policy);

// Mean and biased variance of the channels of a batch, f32; may hold more channels than are asked for.
struct BatchStatistics {
  Tensor mean, var;
};

// y = act(batch_norm(x) + residual), one node; residual may be undefined. Gradients: dx and dresidual
// accumulate, dgamma and dbeta go to the parameters. `known`, and what is thrown: as pass_statistics
// (norm_pass.h).
Variable batch_norm(const Variable& x, BatchNorm2d& bn, const Variable& residual, Activation activation,
                    Mode mode, const BatchStatistics* known = nullptr);

}  // namespace thaw
