#include <cmath>

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

template <>
void CpuBackend::compute(const SoftmaxCrossEntropy& op) {
  double total = 0.0;
  for (Index row = 0; row < op.n; ++row) {
    const float *z = op.logits + row * op.k, *t = op.targets + row * op.k;
    float top = z[0];
    for (Index i = 1; i < op.k; ++i) top = z[i] > top || std::isnan(z[i]) ? z[i] : top;
    double sum = 0.0;
    for (Index i = 0; i < op.k; ++i) sum += std::exp(static_cast<double>(z[i]) - static_cast<double>(top));
    const double log_sum = std::log(sum) + static_cast<double>(top);
    double value = 0.0, weight = 0.0;
    for (Index i = 0; i < op.k; ++i) {
      // A class of no weight adds nothing, even where its logit is -inf.
      if (t[i] != 0.0f) value += static_cast<double>(t[i]) * (log_sum - static_cast<double>(z[i]));
      weight += static_cast<double>(t[i]);
    }
    if (std::isnan(log_sum)) value = log_sum;
    op.row_loss[row] = static_cast<float>(value);
    total += value;
    if (op.dlogits == nullptr) continue;
    for (Index i = 0; i < op.k; ++i) {
      const double p = std::exp(static_cast<double>(z[i]) - log_sum);
      op.dlogits[row * op.k + i] = static_cast<float>((p * weight - static_cast<double>(t[i])) /
                                                      static_cast<double>(op.normalizer[0]));
    }
  }
  op.loss[0] = static_cast<float>(total / static_cast<double>(op.normalizer[0]));
}

template <>
void CpuBackend::compute(const BinaryCrossEntropyWithLogits& op) {
  double total = 0.0;
  for (Index row = 0; row < op.n; ++row) {
    double value = 0.0;
    for (Index i = row * op.k; i < (row + 1) * op.k; ++i) {
      const auto z = static_cast<double>(op.logits[i]), t = static_cast<double>(op.targets[i]);
      const double weight = op.weights != nullptr ? static_cast<double>(op.weights[i]) : 1.0;
      const double positive = z > 0.0 || std::isnan(z) ? z : 0.0;
      value += weight * (positive - z * t + std::log1p(std::exp(-std::abs(z))));
      if (op.dlogits == nullptr) continue;
      // exp of a negative number in both branches: no overflow.
      const double e = std::exp(-std::abs(z));
      const double sigmoid = z >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
      op.dlogits[i] = static_cast<float>(weight * (sigmoid - t) / static_cast<double>(op.normalizer[0]));
    }
    op.row_loss[row] = static_cast<float>(value);
    total += value;
  }
  op.loss[0] = static_cast<float>(total / static_cast<double>(op.normalizer[0]));
}

}  // namespace thaw::cpu
