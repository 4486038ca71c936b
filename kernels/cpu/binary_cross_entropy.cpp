#include <cmath>

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

void CpuBackend::binary_cross_entropy_with_logits(std::int64_t n, std::int64_t k, const float* logits,
                                                  const float* targets, const float* weights,
                                                  const float* normalizer, float* row_loss, float* loss,
                                                  float* dlogits) {
  double total = 0.0;
  for (Index row = 0; row < n; ++row) {
    double value = 0.0;
    for (Index i = row * k; i < (row + 1) * k; ++i) {
      const auto z = static_cast<double>(logits[i]), t = static_cast<double>(targets[i]);
      const double weight = weights != nullptr ? static_cast<double>(weights[i]) : 1.0;
      const double positive = z > 0.0 || std::isnan(z) ? z : 0.0;
      value += weight * (positive - z * t + std::log1p(std::exp(-std::abs(z))));
      if (dlogits == nullptr) continue;
      // exp of a negative number in both branches: no overflow.
      const double e = std::exp(-std::abs(z));
      const double sigmoid = z >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
      dlogits[i] = static_cast<float>(weight * (sigmoid - t) / static_cast<double>(normalizer[0]));
    }
    row_loss[row] = static_cast<float>(value);
    total += value;
  }
  loss[0] = static_cast<float>(total / static_cast<double>(normalizer[0]));
}

}  // namespace thaw::cpu
