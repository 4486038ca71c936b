// The loops over pixels and elements that are compiled once per instruction set (folder isa/) and chosen once
// per backend. Each works on pixels or elements [begin, end) on the calling thread; the ops beside this file
// share the ranges out among threads.
#pragma once

#include <cstdint>

#include "kernels/ops/pool2d.h"

namespace thaw::cpu {

using Index = std::int64_t;

struct NormApply {  // y = act((x - mean) * scale + beta + residual)
  ConstView x, residual;
  View y;
  const float *mean, *scale, *beta;
  bool relu;
  std::uint8_t* mask;
};

struct NormReduce {  // per channel: sums of g and of g * (x - mean); x.data null: of g alone
  ConstView dy, x;
  const float* mean;
  const std::uint8_t* mask;
};

struct NormGradient {  // dx (+)= from_g * g + from_x * (x - mean) + constant; x.data null: from_g * g
  ConstView dy, x;
  const float *mean, *from_g, *from_x, *constant;
  const std::uint8_t* mask;
  View dx, dresidual;
  bool add;
};

struct Pool {  // x: the larger side, y: the smaller; one of them is the gradient's input
  Pool2dSpec spec;
  ConstView in;
  View out;
  const std::uint8_t* index;
  std::uint8_t* index_out;
};

// For one type of activations.
struct Loops {
  // y (+)= x
  void (*copy_to_f32)(const ConstView& x, const View& y, bool add, Index begin, Index end);
  void (*copy_to_bf16)(const ConstView& x, const View& y, bool add, Index begin, Index end);
  void (*add)(const ConstView& a, const ConstView& b, const View& y, Index begin, Index end);
  void (*relu_forward)(const ConstView& x, const View& y, Index begin, Index end);
  void (*relu_backward)(const ConstView& dy, const ConstView& y, const View& dx, Index begin, Index end);
  // [begin, end): pixels; see DropoutForward.
  void (*dropout)(const ConstView& x, const View& y, float p, std::uint64_t layer, std::uint64_t seed,
                  std::uint32_t step, Index begin, Index end);

  // mean[c] and the sum of squared deviations m2[c] over pixels [begin, end). ASSIGNS.
  void (*moments)(const ConstView& x, Index begin, Index end, double* mean, double* m2);
  void (*norm_apply)(const NormApply& args, Index begin, Index end);
  void (*norm_reduce)(const NormReduce& args, Index begin, Index end, double* sum_g,
                      double* sum_gx);  // ASSIGNS
  void (*norm_gradient)(const NormGradient& args, Index begin, Index end);

  // [begin, end): rows of the output (n * h of them).
  void (*max_pool_forward)(const Pool& args, Index begin, Index end);
  void (*max_pool_backward)(const Pool& args, Index begin, Index end);
  void (*avg_pool_forward)(const Pool& args, Index begin, Index end);
  void (*avg_pool_backward)(const Pool& args, Index begin, Index end);
  // NormApply with ReLU, then max-pooling: args.y is the pooled side. [begin, end): its rows.
  void (*norm_pool_forward)(const NormApply& args, const Pool2dSpec& pool, std::uint8_t* index, Index begin,
                            Index end);
  // NormReduce (ASSIGNS) and NormGradient with g from the windows that an input won; args.dy is the pooled
  // side. [begin, end): rows of the larger one.
  void (*norm_pool_reduce)(const NormReduce& args, const Pool2dSpec& pool, const std::uint8_t* index,
                           Index begin, Index end, double* sum_g, double* sum_gx);
  void (*norm_pool_gradient)(const NormGradient& args, const Pool2dSpec& pool, const std::uint8_t* index,
                             Index begin, Index end);
  // [begin, end): pictures.
  void (*global_avg_pool_forward)(const ConstView& x, const View& y, Index begin, Index end);
  void (*global_avg_pool_backward)(const ConstView& dy, const View& dx, Index begin, Index end);
};

struct SgdRun {
  const float* gradient;
  float *weight, *velocity;
  bf16* low_precision;
  float clip, decay, momentum, rate;
  bool nesterov;
};

struct AdamWRun {
  const float* gradient;
  float *weight, *m, *v;
  bf16* low_precision;
  float clip, beta1, beta2, eps, keep, rate,
      v_scale;  // keep = 1 - rate * decay; v_scale = 1 / sqrt(1 - beta2^t)
};

struct ArenaLoops {
  double (*sum_of_squares)(const float* x, Index count);
  void (*sgd)(const SgdRun& run, Index begin, Index end);
  void (*adamw)(const AdamWRun& run, Index begin, Index end);
};

constexpr Index turn_strip = 256;  // columns of one unit of turn_blocks

struct WeightLoops {
  // Weights [rows, columns] of 32-bit words into blocks of `block` <= 64 rows, each turned: word (r, c) goes
  // to ((r / block) * columns + c) * block + r % block; rows past the last are 0. [begin, end): units of
  // block x turn_strip words, row blocks outermost.
  void (*turn_blocks)(const std::uint32_t* w, Index rows, Index columns, Index block, std::uint32_t* to,
                      Index begin, Index end);
};

enum class Isa : std::uint8_t { baseline, avx2, avx512, avx512_bf16 };

struct LoopTables {
  Loops f32, bf16;
  ArenaLoops arena;
  WeightLoops weights;
};

// The loops for `isa`; the caller has made sure that this processor has it.
LoopTables loop_tables(Isa isa);

}  // namespace thaw::cpu
