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
  // Throws Error unless a batch of this shape [N, C, ...] has more than one value per channel.
  void require_statistics(const Shape& batch) const;
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

// Mean and biased variance of the channels of a batch, f32; may hold more channels than are asked for.
struct BatchStatistics {
  Tensor mean, var;
};

// What a pass in `mode` normalises x [N, C, ...] by: the batch's statistics (`known`; null: computed here),
// towards which the running ones move, or the running ones themselves. Throws Error where x has other
// channels than bn, or a single value per channel and the batch's statistics are wanted.
BatchStatistics pass_statistics(const Tensor& x, BatchNorm2d& bn, Mode mode,
                                const BatchStatistics* known = nullptr);

// y = act(batch_norm(x) + residual), one node; residual may be undefined. Gradients: dx and dresidual
// accumulate, dgamma and dbeta go to the parameters. `known`, and what is thrown: as pass_statistics.
Variable batch_norm(const Variable& x, BatchNorm2d& bn, const Variable& residual, Activation activation,
                    Mode mode, const BatchStatistics* known = nullptr);

// Gives a BatchNorm's sums over pixels, f32 [channels], to the gradients of those of its parameters that want
// one: sum g to bias, sum g * xhat to weight.
void give_gradients(BatchNorm2d& bn, const Tensor& sum_g, const Tensor& sum_g_xhat);

}  // namespace thaw
