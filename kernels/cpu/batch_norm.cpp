#include "kernels/cpu/batch_norm.h"

namespace thaw::cpu {

Scales::Scales(BlockCache& cache, const BatchNormSpec& spec, Index channels, const float* var,
               const float* gamma)
    : scratch_(cache, static_cast<std::size_t>(channels) * sizeof(float)) {
  auto* scale = scratch_.as<float>();
  for (Index c = 0; c < channels; ++c) scale[c] = gamma[c] * inverse_deviation(spec, var[c]);
}

GradientSums::GradientSums(BlockCache& cache, Index channels, Index parts)
    : channels_(channels),
      parts_(parts),
      scratch_(cache, static_cast<std::size_t>(parts * 2 * channels) * sizeof(double)) {}

void GradientSums::join(const BatchNormSpec& spec, const float* var, float* sum_g, float* sum_g_xhat,
                        const ChannelGradient& dgamma, const ChannelGradient& dbeta) const {
  const auto give = [](const ChannelGradient& gradient, Index c, float sum) {
    if (gradient.data != nullptr)
      gradient.data[c] = gradient.into == Into::add ? gradient.data[c] + sum : sum;
  };
  for (Index c = 0; c < channels_; ++c) {
    double g_total = 0.0, gx_total = 0.0;
    for (Index part = 0; part < parts_; ++part) {
      g_total += g(part)[c];
      gx_total += gx(part)[c];
    }
    sum_g[c] = static_cast<float>(g_total);
    sum_g_xhat[c] = static_cast<float>(gx_total * static_cast<double>(inverse_deviation(spec, var[c])));
    give(dgamma, c, sum_g_xhat[c]);
    give(dbeta, c, sum_g[c]);
  }
}

GradientCoefficients::GradientCoefficients(BlockCache& cache, const BatchNormSpec& spec, Index channels,
                                           Index pixels, const float* var, const float* gamma,
                                           const float* sum_g, const float* sum_g_xhat)
    : channels_(channels), scratch_(cache, static_cast<std::size_t>(3 * channels) * sizeof(float)) {
  float *g = scratch_.as<float>(), *x = g + channels, *rest = x + channels;
  const bool moving = sum_g != nullptr;
  const float share = 1.0f / static_cast<float>(pixels);
  for (Index c = 0; c < channels; ++c) {
    const float inverse = inverse_deviation(spec, var[c]);
    g[c] = gamma[c] * inverse;
    x[c] = moving ? -g[c] * inverse * sum_g_xhat[c] * share : 0.0f;
    rest[c] = moving ? -g[c] * sum_g[c] * share : 0.0f;
  }
}

template <>
void CpuBackend::compute(const BatchNormRunning& op) {
  const RunningStatistics& to = op.running;
  const float scale = unbiasing(op.pixels);
  for (Index c = 0; c < op.channels; ++c) {
    to.mean[c] += to.momentum * (op.mean[c] - to.mean[c]);
    to.var[c] += to.momentum * (scale * op.var[c] - to.var[c]);
  }
}

template <>
void CpuBackend::compute(const BatchNormStatistics& op) {
  const Loops& loop = loops(op.x.type);
  const Index parts = parts_for(op.x.pixels(), pixel_grain(op.x.c));
  const Scratch scratch(cache_, static_cast<std::size_t>(parts * 2 * op.x.c) * sizeof(double));
  double* sums = scratch.as<double>();
  parallel(op.x.pixels(), pixel_grain(op.x.c), [&](Range range, Index part) {
    loop.moments(op.x, range.begin, range.end, sums + part * 2 * op.x.c, sums + (part * 2 + 1) * op.x.c);
  });
  // The threads' shares join in the order of their numbers (Chan et al. 1979).
  for (Index c = 0; c < op.x.c; ++c) {
    double total_mean = 0.0, m2 = 0.0, count = 0.0;
    for (Index part = 0; part < parts; ++part) {
      const Range range = part_of(op.x.pixels(), part, parts);
      const auto n = static_cast<double>(range.end - range.begin);
      const double delta = sums[part * 2 * op.x.c + c] - total_mean;
      m2 += sums[(part * 2 + 1) * op.x.c + c] + delta * delta * count * n / (count + n);
      total_mean += delta * n / (count + n);
      count += n;
    }
    op.mean[c] = static_cast<float>(total_mean);
    op.var[c] =
        static_cast<float>(std::max(0.0, m2 / count) + 0.0 * m2);  // the product carries NaN past std::max
  }
  if (op.running.mean != nullptr)
    compute(BatchNormRunning{op.mean, op.var, op.x.c, op.x.pixels(), op.running});
}

template <>
void CpuBackend::compute(const BatchNormApply& op) {
  const Loops& loop = loops(op.x.type);
  const Scales scales(cache_, op.spec, op.x.c, op.var, op.gamma);
  const NormApply args{.x = op.x,
                       .residual = op.residual,
                       .y = op.y,
                       .mean = op.mean,
                       .scale = scales.data(),
                       .beta = op.beta,
                       .relu = op.spec.activation == Activation::relu,
                       .mask = op.relu_mask};
  parallel(op.x.pixels(), pixel_grain(op.x.c),
           [&](Range range, Index) { loop.norm_apply(args, range.begin, range.end); });
}

template <>
void CpuBackend::compute(const BatchNormBackwardReduce& op) {
  const Loops& loop = loops(op.dy.type);
  const NormReduce args{.dy = op.dy, .x = op.x, .mean = op.mean, .mask = op.relu_mask};
  const Index parts = parts_for(op.dy.pixels(), pixel_grain(op.dy.c));
  const GradientSums sums(cache_, op.dy.c, parts);
  parallel(op.dy.pixels(), pixel_grain(op.dy.c), [&](Range range, Index part) {
    loop.norm_reduce(args, range.begin, range.end, sums.g(part), sums.gx(part));
  });
  sums.join(op.spec, op.var, op.sum_g, op.sum_g_xhat, op.dgamma, op.dbeta);
}

template <>
void CpuBackend::compute(const BatchNormBackwardApply& op) {
  const Loops& loop = loops(op.dy.type);
  const GradientCoefficients k(cache_, op.spec, op.dy.c, op.dy.pixels(), op.var, op.gamma, op.sum_g,
                               op.sum_g_xhat);
  const NormGradient args{.dy = op.dy,
                          .x = op.sum_g != nullptr ? op.x : ConstView{},
                          .mean = op.mean,
                          .from_g = k.from_g(),
                          .from_x = k.from_x(),
                          .constant = k.constant(),
                          .mask = op.relu_mask,
                          .dx = op.dx,
                          .dresidual = op.dresidual,
                          .add = op.into == Into::add};
  parallel(op.dy.pixels(), pixel_grain(op.dy.c),
           [&](Range range, Index) { loop.norm_gradient(args, range.begin, range.end); });
}

template <>
void CpuBackend::compute(const BiasBackward& op) {
  const Loops& loop = loops(op.dy.type);
  const NormReduce args{.dy = op.dy, .x = {}, .mean = nullptr, .mask = nullptr};
  const Index parts = parts_for(op.dy.pixels(), pixel_grain(op.dy.c));
  const Scratch scratch(cache_, static_cast<std::size_t>(parts * op.dy.c) * sizeof(double));
  double* sums = scratch.as<double>();
  parallel(op.dy.pixels(), pixel_grain(op.dy.c), [&](Range range, Index part) {
    loop.norm_reduce(args, range.begin, range.end, sums + part * op.dy.c, nullptr);
  });
  for (Index c = 0; c < op.dy.c; ++c) {
    double sum = op.into == Into::add ? static_cast<double>(op.dbias[c]) : 0.0;
    for (Index part = 0; part < parts; ++part) sum += sums[part * op.dy.c + c];
    op.dbias[c] = static_cast<float>(sum);
  }
}

}  // namespace thaw::cpu
