// Binary cross-entropy of sigmoid(logits) (torch.nn.BCEWithLogitsLoss); logits, targets, weights, dlogits
// [N,K] packed.
#pragma once

#include <cmath>

#include "kernels/reference/image.h"

namespace thaw::reference {

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

}  // namespace thaw::reference
