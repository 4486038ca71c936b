#include "kernels/cpu/batch_norm.h"
#include "kernels/cpu/pool2d.h"

namespace thaw::cpu {

template <>
void CpuBackend::compute(const NormReluPoolForward& op) {
  const Loops& loop = loops(op.x.type);
  const Scales scales(cache_, op.norm, op.x.c, op.var, op.gamma);
  const NormApply args{.x = op.x,
                       .residual = {},
                       .y = op.y,
                       .mean = op.mean,
                       .scale = scales.data(),
                       .beta = op.beta,
                       .relu = true,
                       .mask = nullptr};
  parallel(op.y.n * op.y.h, row_grain(op.y), [&](Range range, Index) {
    loop.norm_pool_forward(args, op.pool, op.index, range.begin, range.end);
  });
}

template <>
void CpuBackend::compute(const NormReluPoolBackwardReduce& op) {
  const Loops& loop = loops(op.dy.type);
  const NormReduce args{.dy = op.dy, .x = op.x, .mean = op.mean, .mask = nullptr};
  const GradientSums sums(cache_, op.x.c, parts_for(op.x.n * op.x.h, row_grain(op.x)));
  parallel(op.x.n * op.x.h, row_grain(op.x), [&](Range range, Index part) {
    loop.norm_pool_reduce(args, op.pool, op.index, range.begin, range.end, sums.g(part), sums.gx(part));
  });
  sums.join(op.norm, op.var, op.sum_g, op.sum_g_xhat, op.dgamma, op.dbeta);
}

template <>
void CpuBackend::compute(const NormReluPoolBackwardApply& op) {
  const Loops& loop = loops(op.dy.type);
  const GradientCoefficients k(cache_, op.norm, op.dx.c, op.dx.pixels(), op.var, op.gamma, op.sum_g,
                               op.sum_g_xhat);
  const NormGradient args{.dy = op.dy,
                          .x = op.sum_g != nullptr ? op.x : ConstView{},
                          .mean = op.mean,
                          .from_g = k.from_g(),
                          .from_x = k.from_x(),
                          .constant = k.constant(),
                          .mask = nullptr,
                          .dx = op.dx,
                          .dresidual = {},
                          .add = false};
  parallel(op.dx.n * op.dx.h, row_grain(op.dx), [&](Range range, Index) {
    loop.norm_pool_gradient(args, op.pool, op.index, range.begin, range.end);
  });
}

}  // namespace thaw::cpu
