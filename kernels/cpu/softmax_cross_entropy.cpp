#include <cmath>

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

void CpuBackend::softmax_cross_entropy(std::int64_t n, std::int64_t k, const float* logits,
                                       const float* targets, const float* normalizer, float* row_loss,
                                       float* loss, float* dlogits) {
  double total = 0.0;
  for (Index row = 0; row < n; ++row) {
    const float *z = logits + row * k, *t = targets + row * k;
    float top = z[0];
    for (Index i = 1; i < k; ++i) top = z[i] > top || std::isnan(z[i]) ? z[i] : top;
    double sum = 0.0;
    for (Index i = 0; i < k; ++i) sum += std::exp(static_cast<double>(z[i]) - static_cast<double>(top));
    const double log_sum = std::log(sum) + static_cast<double>(top);
    double value = 0.0, weight = 0.0;
    for (Index i = 0; i < k; ++i) {
      // A class of no weight adds nothing, even where its logit is -inf.
      if (t[i] != 0.0f) value += static_cast<double>(t[i]) * (log_sum - static_cast<double>(z[i]));
      weight += static_cast<double>(t[i]);
    }
    if (std::isnan(log_sum)) value = log_sum;
    row_loss[row] = static_cast<float>(value);
    total += value;
    if (dlogits == nullptr) continue;
    for (Index i = 0; i < k; ++i) {
      const double p = std::exp(static_cast<double>(z[i]) - log_sum);
      dlogits[row * k + i] =
          static_cast<float>((p * weight - static_cast<double>(t[i])) / static_cast<double>(normalizer[0]));
    }
  }
  loss[0] = static_cast<float>(total / static_cast<double>(normalizer[0]));
}

}  // namespace thaw::cpu
