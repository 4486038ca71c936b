// The three graphs of a convolution, apart from their execution, so that cuDNN can be asked about devices
// that are not there.
#pragma once

#include "kernels/cuda/cudnn_graph.h"

namespace thaw::cuda {

// Names of the tensors in the variant pack.
enum ConvolutionTensor : std::int64_t {
  uid_x = 1,
  uid_w,
  uid_y,
  uid_bias,
  uid_residual,
  uid_sum,
  uid_biased,
  uid_added
};

// y = act(conv(x, w) + bias + residual); a null residual (data) and has_bias false leave their nodes out.
Graph forward_graph(GraphBuilder& builder, const Conv2dSpec& spec, const ConstView& x, DType weight_type,
                    bool has_bias, const ConstView& residual, Activation activation, const ConstView& y);
Graph data_gradient_graph(GraphBuilder& builder, const Conv2dSpec& spec, const ConstView& dx,
                          DType weight_type, const ConstView& dy, Into into = Into::assign);
// dweight in the activations' type: cuDNN has no engine that reads bf16 and writes an f32 weight gradient.
Graph weight_gradient_graph(GraphBuilder& builder, const Conv2dSpec& spec, const ConstView& x,
                            const ConstView& dy);

}  // namespace thaw::cuda
