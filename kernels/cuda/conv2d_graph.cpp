#include "kernels/cuda/conv2d_graph.h"

namespace thaw::cuda {

Graph forward_graph(GraphBuilder& builder, const Conv2dSpec& spec, const ConstView& x, DType weight_type,
                    bool has_bias, const ConstView& residual, Activation activation, const ConstView& y) {
  const GraphTensor out = graph_tensor(uid_y, y);
  int left = (has_bias ? 1 : 0) + (residual ? 1 : 0) + (activation == Activation::relu ? 1 : 0);
  // The last node writes y, each one before it a virtual tensor.
  const auto result = [&](std::int64_t uid) { return left-- > 0 ? virtual_like(uid, out) : out; };
  GraphTensor value = result(uid_sum);
  builder.convolution(ConvolutionKind::forward, spec, graph_tensor(uid_x, x),
                      graph_weights(uid_w, spec, weight_type), value);
  if (has_bias) {
    const GraphTensor sum = result(uid_biased);
    builder.add(value, graph_bias(uid_bias, y.c), sum);
    value = sum;
  }
  if (residual) {
    const GraphTensor sum = result(uid_added);
    builder.add(value, graph_tensor(uid_residual, residual), sum);
    value = sum;
  }
  if (activation == Activation::relu) builder.relu(value, out);
  return builder.finish();
}

Graph data_gradient_graph(GraphBuilder& builder, const Conv2dSpec& spec, const ConstView& dx,
                          DType weight_type, const ConstView& dy, Into into) {
  builder.convolution(ConvolutionKind::data_gradient, spec, graph_tensor(uid_x, dx),
                      graph_weights(uid_w, spec, weight_type), graph_tensor(uid_y, dy), into);
  return builder.finish();
}

Graph weight_gradient_graph(GraphBuilder& builder, const Conv2dSpec& spec, const ConstView& x,
                            const ConstView& dy) {
  builder.convolution(ConvolutionKind::weight_gradient, spec, graph_tensor(uid_x, x),
                      graph_weights(uid_w, spec, x.type), graph_tensor(uid_y, dy));
  return builder.finish();
}

}  // namespace thaw::cuda
