#include "kernels/cpu/batch_norm.h"
#include "kernels/cpu/pool2d.h"

namespace thaw::cpu {

void CpuBackend::norm_relu_pool_forward(const BatchNormSpec& norm, const Pool2dSpec& pool, ConstView x,
                                        const float* mean, const float* var, const float* gamma,
                                        const float* beta, View y, std::uint8_t* index) {
  const char* op = "norm_relu_pool_forward";
  const Loops& loop = loops(x.type, op);
  same_type(op, x, y);
  check_kernel(op, pool);
  const Scales scales(cache_, norm, x.c, var, gamma);
  const NormApply args{x, ConstView{}, y, mean, scales.data(), beta, true, nullptr};
  parallel(y.n * y.h, row_grain(y),
           [&](Range range, Index) { loop.norm_pool_forward(args, pool, index, range.begin, range.end); });
}

void CpuBackend::norm_relu_pool_backward_reduce(const BatchNormSpec& norm, const Pool2dSpec& pool,
                                                ConstView dy, const std::uint8_t* index, ConstView x,
                                                const float* mean, const float* var, float* sum_g,
                                                float* sum_g_xhat) {
  const char* op = "norm_relu_pool_backward_reduce";
  const Loops& loop = loops(dy.type, op);
  same_type(op, dy, x);
  const NormReduce args{dy, x, mean, nullptr};
  const GradientSums sums(cache_, x.c, parts_for(x.n * x.h, row_grain(x)));
  parallel(x.n * x.h, row_grain(x), [&](Range range, Index part) {
    loop.norm_pool_reduce(args, pool, index, range.begin, range.end, sums.g(part), sums.gx(part));
  });
  sums.join(norm, var, sum_g, sum_g_xhat);
}

void CpuBackend::norm_relu_pool_backward_apply(const BatchNormSpec& norm, const Pool2dSpec& pool,
                                               ConstView dy, const std::uint8_t* index, ConstView x,
                                               const float* mean, const float* var, const float* gamma,
                                               const float* sum_g, const float* sum_g_xhat, View dx) {
  const char* op = "norm_relu_pool_backward_apply";
  const Loops& loop = loops(dy.type, op);
  same_type(op, dy, x);
  same_type(op, dy, dx);
  const GradientCoefficients k(cache_, norm, dx.c, dx.pixels(), var, gamma, sum_g, sum_g_xhat);
  const NormGradient args{dy,         sum_g != nullptr ? x : ConstView{},
                          mean,       k.from_g(),
                          k.from_x(), k.constant(),
                          nullptr,    dx,
                          View{},     false};
  parallel(dx.n * dx.h, row_grain(dx),
           [&](Range range, Index) { loop.norm_pool_gradient(args, pool, index, range.begin, range.end); });
}

}  // namespace thaw::cpu
