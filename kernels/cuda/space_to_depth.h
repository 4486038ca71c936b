// A convolution of a few channels with stride 2, the stem of ResNet and DenseNet, as one of stride 1 over
// squares of 2 x 2 pixels: cuDNN has no fast kernel for 3 channels. Squares at 16 channels use the tensor
// cores as the other convolutions do ("space to depth", as MLPerf's ResNet-50 has it).
#pragma once

#include "kernels/cuda/ops.h"

namespace thaw::cuda {

// Square (i, j) of a picture holds its pixels of rows 2 (i + first_h) and after, columns 2 (j + first_w) and
// after: channel (2 row + column) * in + c is channel c of one. Pixels beyond the picture and channels beyond
// 4 * in are 0.
struct Squares {
  // bf16, stride 2, at most 4 channels, and a kernel larger than a square.
  static bool fit(const Conv2dSpec& s, DType type);
  // Of a convolution from x [N,H,W,in] to y [N,h,w,out].
  Squares(const Conv2dSpec& s, const ConstView& x, const ConstView& y);

  Conv2dSpec from;  // what is asked for
  Conv2dSpec to;    // over squares: stride 1, no padding
  std::int64_t n, rows, columns;
  std::int64_t first_h, first_w;

  std::int64_t input_elements() const { return n * rows * columns * to.in; }
  ConstView input_view(const void* data) const;
};

// x [N,H,W,in] bf16, of any pitch, to [n,rows,columns,to.in]. ASSIGNS.
void squares_of_input(const Queue& queue, const char* op, const Squares& s, const ConstView& x, void* to);
// Weights of s.from to weights of s.to, both bf16 KRSC. ASSIGNS.
void squares_of_weights(const Queue& queue, const char* op, const Squares& s, const void* from, void* to);
// The gradient of the weights of s.to, bf16, to that of the weights of s.from, f32. ASSIGNS or ADDS.
void gradient_of_squares(const Queue& queue, const char* op, const Squares& s, const void* from, float* to,
                         Into into);

}  // namespace thaw::cuda
