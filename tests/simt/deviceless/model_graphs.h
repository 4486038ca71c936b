// Every convolution that a network asks a backend for, found by running it on a backend that computes
// nothing.
#pragma once

#include <string>
#include <vector>

#include "kernels/cuda/conv2d_graph.h"

namespace thaw::deviceless {

struct ConvolutionGraph {
  cuda::ConvolutionKind kind{};
  Conv2dSpec spec;
  ConstView x, y;  // data: null
  bool bias = false, residual = false;
  Activation activation = Activation::none;
  Into into = Into::assign;  // of a data gradient

  std::string kind_name() const;  // "forward", "forward+bias+relu", "data gradient", "data gradient+sum", ...
};

// The distinct convolutions of one training step with everything trainable and of one evaluation (folded
// BatchNorm) at `size` x `size`, with one picture, f32.
std::vector<ConvolutionGraph> convolution_graphs(const std::string& model, std::int64_t size);

// The operation graph as Convolutions builds it, for `batch` pictures of `type` at aligned addresses.
cuda::Graph operation_graph(cuda::GraphBuilder& builder, const ConvolutionGraph& graph, DType type,
                            std::int64_t batch);

}  // namespace thaw::deviceless
