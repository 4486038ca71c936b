// Losses and their gradients. All arrays are f32 and packed.
#pragma once

#include "kernels/ops/op.h"

namespace thaw {

namespace checks {

inline void loss(const char* op, std::int64_t n, std::int64_t k) {
  if (n < 0 || k < 1)
    refuse(op, "logits [" + std::to_string(n) + ", " + std::to_string(k) + "]; use at least one class");
}

}  // namespace checks

// row_loss[n] = sum_k targets[n,k] * -log_softmax(logits[n])[k], with the maximum subtracted first; loss[0] =
// sum_n row_loss[n] / normalizer[0]. ASSIGNS. Labels, smoothing ((1 - e) onehot + e / K), mixing and class
// weights all come in through targets, which need not sum to 1 (torch.nn.CrossEntropyLoss divides by the sum
// of the labels' class weights: that is `normalizer`).
struct SoftmaxCrossEntropy {
  static constexpr const char* name = "softmax_cross_entropy";
  std::int64_t n;
  std::int64_t k;
  const float* logits;       // [N,K]
  const float* targets;      // [N,K]
  const float* normalizer;   // [1]
  float* row_loss;           // [N]
  float* loss;               // [1]
  float* dlogits = nullptr;  // [N,K], gradient of loss[0]; null: not wanted

  void check() const { checks::loss(name, n, k); }
  Cost cost() const { return {.read = 8 * n * k + 4, .written = 4 * n + 4 + (dlogits ? 4 * n * k : 0)}; }
};

// row_loss[n] = sum_k weights[n,k] * (max(z,0) - z t + log1p(exp(-|z|))) with z = logits[n,k], t =
// targets[n,k] (torch.nn.BCEWithLogitsLoss); loss[0] = sum_n row_loss[n] / normalizer[0]. ASSIGNS.
struct BinaryCrossEntropyWithLogits {
  static constexpr const char* name = "binary_cross_entropy_with_logits";
  std::int64_t n;
  std::int64_t k;
  const float* logits;             // [N,K]
  const float* targets;            // [N,K]
  const float* weights = nullptr;  // [N,K]; null: 1
  const float* normalizer;         // [1]
  float* row_loss;                 // [N]
  float* loss;                     // [1]
  float* dlogits = nullptr;        // [N,K], gradient of loss[0]; null: not wanted

  void check() const { checks::loss(name, n, k); }
  Cost cost() const {
    return {.read = (weights ? 12 : 8) * n * k + 4, .written = 4 * n + 4 + (dlogits ? 4 * n * k : 0)};
  }
};

}  // namespace thaw
