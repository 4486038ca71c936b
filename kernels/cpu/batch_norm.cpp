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

void GradientSums::join(const BatchNormSpec& spec, const float* var, float* sum_g, float* sum_g_xhat) const {
  for (Index c = 0; c < channels_; ++c) {
    double g_total = 0.0, gx_total = 0.0;
    for (Index part = 0; part < parts_; ++part) {
      g_total += g(part)[c];
      gx_total += gx(part)[c];
    }
    sum_g[c] = static_cast<float>(g_total);
    sum_g_xhat[c] = static_cast<float>(gx_total * static_cast<double>(inverse_deviation(spec, var[c])));
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

void CpuBackend::batch_norm_statistics(ConstView x, float* mean, float* var) {
  const Loops& loop = loops(x.type, "batch_norm_statistics");
  if (x.pixels() == 0) throw Error("batch_norm_statistics: no pixels; the batch is empty");
  const Index parts = parts_for(x.pixels(), pixel_grain(x.c));
  const Scratch scratch(cache_, static_cast<std::size_t>(parts * 2 * x.c) * sizeof(double));
  double* sums = scratch.as<double>();
  parallel(x.pixels(), pixel_grain(x.c), [&](Range range, Index part) {
    loop.moments(x, range.begin, range.end, sums + part * 2 * x.c, sums + (part * 2 + 1) * x.c);
  });
  // The threads' shares join in the order of their numbers (Chan et al. 1979).
  for (Index c = 0; c < x.c; ++c) {
    double total_mean = 0.0, m2 = 0.0, count = 0.0;
    for (Index part = 0; part < parts; ++part) {
      const Range range = part_of(x.pixels(), part, parts);
      const auto n = static_cast<double>(range.end - range.begin);
      const double delta = sums[part * 2 * x.c + c] - total_mean;
      m2 += sums[(part * 2 + 1) * x.c + c] + delta * delta * count * n / (count + n);
      total_mean += delta * n / (count + n);
      count += n;
    }
    mean[c] = static_cast<float>(total_mean);
    var[c] =
        static_cast<float>(std::max(0.0, m2 / count) + 0.0 * m2);  // the product carries NaN past std::max
  }
}

void CpuBackend::batch_norm_apply(const BatchNormSpec& spec, ConstView x, const float* mean, const float* var,
                                  const float* gamma, const float* beta, ConstView residual, View y,
                                  std::uint8_t* relu_mask) {
  const Loops& loop = loops(x.type, "batch_norm_apply");
  same_type("batch_norm_apply", x, y);
  same_type("batch_norm_apply", x, residual);
  const Scales scales(cache_, spec, x.c, var, gamma);
  const NormApply args{x,        residual, y, mean, scales.data(), beta, spec.activation == Activation::relu,
                       relu_mask};
  parallel(x.pixels(), pixel_grain(x.c),
           [&](Range range, Index) { loop.norm_apply(args, range.begin, range.end); });
}

void CpuBackend::batch_norm_backward_reduce(const BatchNormSpec& spec, ConstView dy, ConstView x,
                                            const float* mean, const float* var,
                                            const std::uint8_t* relu_mask, float* sum_g, float* sum_g_xhat) {
  const Loops& loop = loops(dy.type, "batch_norm_backward_reduce");
  same_type("batch_norm_backward_reduce", dy, x);
  const NormReduce args{dy, x, mean, relu_mask};
  const Index parts = parts_for(dy.pixels(), pixel_grain(dy.c));
  const GradientSums sums(cache_, dy.c, parts);
  parallel(dy.pixels(), pixel_grain(dy.c), [&](Range range, Index part) {
    loop.norm_reduce(args, range.begin, range.end, sums.g(part), sums.gx(part));
  });
  sums.join(spec, var, sum_g, sum_g_xhat);
}

void CpuBackend::batch_norm_backward_apply(const BatchNormSpec& spec, ConstView dy, ConstView x,
                                           const float* mean, const float* var, const float* gamma,
                                           const std::uint8_t* relu_mask, const float* sum_g,
                                           const float* sum_g_xhat, View dx, Into into, View dresidual) {
  const Loops& loop = loops(dy.type, "batch_norm_backward_apply");
  same_type("batch_norm_backward_apply", dy, x);
  same_type("batch_norm_backward_apply", dy, dx);
  same_type("batch_norm_backward_apply", dy, dresidual);
  const GradientCoefficients k(cache_, spec, dy.c, dy.pixels(), var, gamma, sum_g, sum_g_xhat);
  const NormGradient args{dy,         sum_g != nullptr ? x : ConstView{},
                          mean,       k.from_g(),
                          k.from_x(), k.constant(),
                          relu_mask,  dx,
                          dresidual,  into == Into::add};
  parallel(dy.pixels(), pixel_grain(dy.c),
           [&](Range range, Index) { loop.norm_gradient(args, range.begin, range.end); });
}

void CpuBackend::lerp(const float* from, std::int64_t count, float scale, float weight, float* to) {
  for (Index i = 0; i < count; ++i) to[i] += weight * (scale * from[i] - to[i]);
}

void CpuBackend::bias_backward(ConstView dy, float* dbias, Into into) {
  const Loops& loop = loops(dy.type, "bias_backward");
  const NormReduce args{dy, ConstView{}, nullptr, nullptr};
  const Index parts = parts_for(dy.pixels(), pixel_grain(dy.c));
  const Scratch scratch(cache_, static_cast<std::size_t>(parts * dy.c) * sizeof(double));
  double* sums = scratch.as<double>();
  parallel(dy.pixels(), pixel_grain(dy.c), [&](Range range, Index part) {
    loop.norm_reduce(args, range.begin, range.end, sums + part * dy.c, nullptr);
  });
  for (Index c = 0; c < dy.c; ++c) {
    double sum = into == Into::add ? static_cast<double>(dbias[c]) : 0.0;
    for (Index part = 0; part < parts; ++part) sum += sums[part * dy.c + c];
    dbias[c] = static_cast<float>(sum);
  }
}

}  // namespace thaw::cpu
