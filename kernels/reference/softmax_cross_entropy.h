// Cross-entropy of softmax against target weights; logits, targets, dlogits [N,K] packed.
#pragma once

#include <algorithm>
#include <cmath>

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

}  // namespace thaw::reference
