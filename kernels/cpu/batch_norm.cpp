#include <cmath>
#include <vector>

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {
namespace {

float scale_of(const BatchNormSpec& spec, float var) {
  return 1.0f / std::sqrt(var + spec.eps);
}

}  // namespace

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
  const Scratch scratch(cache_, static_cast<std::size_t>(x.c) * sizeof(float));
  auto* scale = scratch.as<float>();
  for (Index c = 0; c < x.c; ++c) scale[c] = gamma[c] * scale_of(spec, var[c]);
  const NormApply args{x, residual, y, mean, scale, beta, spec.activation == Activation::relu, relu_mask};
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
  const Scratch scratch(cache_, static_cast<std::size_t>(parts * 2 * dy.c) * sizeof(double));
  double* sums = scratch.as<double>();
  parallel(dy.pixels(), pixel_grain(dy.c), [&](Range range, Index part) {
    loop.norm_reduce(args, range.begin, range.end, sums + part * 2 * dy.c, sums + (part * 2 + 1) * dy.c);
  });
  for (Index c = 0; c < dy.c; ++c) {
    double g = 0.0, gx = 0.0;
    for (Index part = 0; part < parts; ++part) {
      g += sums[part * 2 * dy.c + c];
      gx += sums[(part * 2 + 1) * dy.c + c];
    }
    sum_g[c] = static_cast<float>(g);
    sum_g_xhat[c] = static_cast<float>(gx * static_cast<double>(scale_of(spec, var[c])));
  }
}

void CpuBackend::batch_norm_backward_apply(const BatchNormSpec& spec, ConstView dy, ConstView x,
                                           const float* mean, const float* var, const float* gamma,
                                           const std::uint8_t* relu_mask, const float* sum_g,
                                           const float* sum_g_xhat, View dx, Into into, View dresidual) {
  const Loops& loop = loops(dy.type, "batch_norm_backward_apply");
  same_type("batch_norm_backward_apply", dy, x);
  same_type("batch_norm_backward_apply", dy, dx);
  same_type("batch_norm_backward_apply", dy, dresidual);
  const Index c = dy.c;
  const Scratch scratch(cache_, static_cast<std::size_t>(3 * c) * sizeof(float));
  float *from_g = scratch.as<float>(), *from_x = from_g + c, *constant = from_x + c;
  const bool moving = sum_g != nullptr;
  const float share = 1.0f / static_cast<float>(dy.pixels());
  for (Index i = 0; i < c; ++i) {
    const float invstd = scale_of(spec, var[i]);
    from_g[i] = gamma[i] * invstd;
    from_x[i] = moving ? -from_g[i] * invstd * sum_g_xhat[i] * share : 0.0f;
    constant[i] = moving ? -from_g[i] * sum_g[i] * share : 0.0f;
  }
  const NormGradient args{dy,        moving ? x : ConstView{}, mean, from_g, from_x, constant, relu_mask, dx,
                          dresidual, into == Into::add};
  parallel(dy.pixels(), pixel_grain(c),
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
