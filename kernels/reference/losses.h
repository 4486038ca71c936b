// Cross-entropy of softmax and of sigmoid; logits, targets, weights, dlogits [N,K] packed.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/ops/losses.h"
#include "kernels/reference/image.h"

namespace thaw::reference {

// row_loss[n] = sum_k targets * -log_softmax(logits); loss[0] = sum row_loss / normalizer[0]; dlogits may be
// null.
template <class T>
void softmax_cross_entropy(Index n, Index k, const T* logits, const T* targets, const T* normalizer,
                           T* row_loss, T* loss, T* dlogits) {
  const auto divisor = static_cast<double>(normalizer[0]);
  double total = 0.0;
  for (Index row = 0; row < n; ++row) {
    const T *z = logits + row * k, *t = targets + row * k;
    auto top = static_cast<double>(z[0]);
    for (Index i = 1; i < k; ++i) top = std::max(top, static_cast<double>(z[i]));
    double sum = 0.0, value = 0.0, mass = 0.0;
    for (Index i = 0; i < k; ++i) sum += std::exp(static_cast<double>(z[i]) - top);
    const double log_sum = top + std::log(sum);
    for (Index i = 0; i < k; ++i) {
      // A class of no weight adds nothing, even where its logit is -inf.
      if (t[i] != T(0)) value += static_cast<double>(t[i]) * (log_sum - static_cast<double>(z[i]));
      mass += static_cast<double>(t[i]);
    }
    if (std::isnan(log_sum)) value = log_sum;
    row_loss[row] = static_cast<T>(value);
    total += value;
    if (dlogits == nullptr) continue;
    for (Index i = 0; i < k; ++i) {
      const double p = std::exp(static_cast<double>(z[i]) - log_sum);
      dlogits[row * k + i] = static_cast<T>((p * mass - static_cast<double>(t[i])) / divisor);
    }
  }
  loss[0] = static_cast<T>(total / divisor);
}

// row_loss[n] = sum_k weights * (max(z,0) - z t + log1p(exp(-|z|))); loss[0] = sum row_loss / normalizer[0].
// weights null: 1; dlogits null: not wanted.
template <class T>
void binary_cross_entropy_with_logits(Index n, Index k, const T* logits, const T* targets, const T* weights,
                                      const T* normalizer, T* row_loss, T* loss, T* dlogits) {
  const auto divisor = static_cast<double>(normalizer[0]);
  double total = 0.0;
  for (Index row = 0; row < n; ++row) {
    double value = 0.0;
    for (Index i = row * k; i < (row + 1) * k; ++i) {
      const auto z = static_cast<double>(logits[i]), t = static_cast<double>(targets[i]);
      const double w = weights != nullptr ? static_cast<double>(weights[i]) : 1.0;
      const double small = std::exp(-std::abs(z));  // never overflows
      value += w * (relu(z) - z * t + std::log1p(small));
      if (dlogits == nullptr) continue;
      const double sigmoid = (z < 0.0 ? small : 1.0) / (1.0 + small);
      dlogits[i] = static_cast<T>(w * (sigmoid - t) / divisor);
    }
    row_loss[row] = static_cast<T>(value);
    total += value;
  }
  loss[0] = static_cast<T>(total / divisor);
}

inline void run(const SoftmaxCrossEntropy& op) {
  softmax_cross_entropy<float>(op.n, op.k, op.logits, op.targets, op.normalizer, op.row_loss, op.loss,
                               op.dlogits);
}

inline void run(const BinaryCrossEntropyWithLogits& op) {
  binary_cross_entropy_with_logits<float>(op.n, op.k, op.logits, op.targets, op.weights, op.normalizer,
                                          op.row_loss, op.loss, op.dlogits);
}

}  // namespace thaw::reference
