#include "kernels/cuda/cudnn_graph.h"

#include <algorithm>

#include "kernels/error.h"

namespace thaw::cuda {
namespace {

cudnnDataType_t data_type(DType type) {
  if (type == DType::f32) return CUDNN_DATA_FLOAT;
  if (type == DType::bf16) return CUDNN_DATA_BFLOAT16;
  throw Error(std::string("cudnn: tensors of type ") + dtype_name(type) + "; cuda computes in f32 and bf16");
}

struct ConvolutionNames {
  cudnnBackendDescriptorType_t node;
  cudnnBackendAttributeName_t convolution, x, w, y, alpha, beta;
};

ConvolutionNames names_of(ConvolutionKind kind) {
  switch (kind) {
    case ConvolutionKind::forward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case ConvolutionKind::data_gradient:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    default:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  }
}

std::int64_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  return address % 16 == 0 ? 16 : static_cast<std::int64_t>(address & (~address + 1));
}

}  // namespace

std::string reason_of(cudnnStatus_t status) {
  std::array<char, 512> detail{};
  cudnnGetLastErrorString(detail.data(), detail.size());
  return std::string(cudnnGetErrorString(status)) + (detail[0] ? ": " : "") + detail.data();
}

void check(cudnnStatus_t status, const std::string& what) {
  if (status != CUDNN_STATUS_SUCCESS) throw Error("cudnn: " + what + ": " + reason_of(status));
}

Descriptor::Descriptor(cudnnBackendDescriptorType_t kind) {
  check(cudnnBackendCreateDescriptor(kind, &handle_), "creating a descriptor");
}

Descriptor::~Descriptor() {
  if (handle_) cudnnBackendDestroyDescriptor(handle_);
}

void Descriptor::finalize(const char* what) {
  check(try_finalize(), what);
}

void Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
                     const void* values) {
  check(cudnnBackendSetAttribute(handle_, name, type, count, values), "attribute " + std::to_string(name));
}

GraphTensor graph_tensor(std::int64_t uid, const ConstView& v) {
  GraphTensor t{uid, {v.n, v.c, v.h, v.w}, {v.h * v.w * v.pitch, 1, v.w * v.pitch, v.pitch}, v.type};
  t.alignment = v.data ? alignment_of(v.data) : 16;
  return t;
}

GraphTensor graph_weights(std::int64_t uid, const Conv2dSpec& s, DType type) {
  const std::int64_t in = s.in / s.groups;
  return {
      uid, {s.out, in, s.kernel_h, s.kernel_w}, {s.kernel_h * s.kernel_w * in, 1, s.kernel_w * in, in}, type};
}

GraphTensor graph_bias(std::int64_t uid, std::int64_t channels) {
  return {uid, {1, channels, 1, 1}, {channels, 1, channels, channels}};
}

GraphTensor virtual_like(std::int64_t uid, const GraphTensor& t) {
  const auto& d = t.dims;
  return {uid, d, {d[1] * d[2] * d[3], 1, d[3] * d[1], d[1]}, DType::f32, true};
}

cudnnBackendDescriptor_t GraphBuilder::tensor(const GraphTensor& t) {
  for (const auto& [uid, descriptor] : tensors_)
    if (uid == t.uid) return descriptor.get();
  Descriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, t.uid);
  d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, data_type(t.type));
  d.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, t.alignment);
  d.set(CUDNN_ATTR_TENSOR_DIMENSIONS, {t.dims.begin(), t.dims.end()});
  d.set(CUDNN_ATTR_TENSOR_STRIDES, {t.strides.begin(), t.strides.end()});
  d.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &t.is_virtual);
  d.finalize("tensor");
  tensors_.emplace_back(t.uid, std::move(d));
  return tensors_.back().second.get();
}

void GraphBuilder::convolution(ConvolutionKind kind, const Conv2dSpec& spec, const GraphTensor& x,
                               const GraphTensor& w, const GraphTensor& y, Into into) {
  Descriptor function(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  const std::vector<std::int64_t> padding{spec.padding, spec.padding};
  function.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2});
  function.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  function.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
  function.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, padding);
  function.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, padding);
  function.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, {spec.dilation, spec.dilation});
  function.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {spec.stride, spec.stride});
  function.finalize("convolution");

  const ConvolutionNames names = names_of(kind);
  const cudnnBackendDescriptor_t tensors[] = {tensor(x), tensor(w), tensor(y)};
  const float alpha = 1.0f, beta = into == Into::add ? 1.0f : 0.0f;
  Descriptor node(names.node);
  node.set(names.convolution, function);
  node.set(names.x, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &tensors[0]);
  node.set(names.w, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &tensors[1]);
  node.set(names.y, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &tensors[2]);
  node.set(names.alpha, CUDNN_TYPE_FLOAT, 1, &alpha);
  node.set(names.beta, CUDNN_TYPE_FLOAT, 1, &beta);
  node.finalize("convolution node");
  functions_.push_back(std::move(function));
  nodes_.push_back(std::move(node));
  strided_gradient_ = strided_gradient_ || (kind == ConvolutionKind::data_gradient && spec.stride > 1);
}

Descriptor& GraphBuilder::pointwise(cudnnPointwiseMode_t mode, const GraphTensor& x, const GraphTensor& y) {
  Descriptor function(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  function.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
  function.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
  function.finalize("pointwise");
  const cudnnBackendDescriptor_t in = tensor(x), out = tensor(y);
  Descriptor node(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  node.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, function);
  node.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &in);
  node.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &out);
  functions_.push_back(std::move(function));
  nodes_.push_back(std::move(node));
  return nodes_.back();
}

void GraphBuilder::add(const GraphTensor& a, const GraphTensor& b, const GraphTensor& sum) {
  Descriptor& node = pointwise(CUDNN_POINTWISE_ADD, a, sum);
  const cudnnBackendDescriptor_t second = tensor(b);
  node.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &second);
  node.finalize("addition node");
}

void GraphBuilder::relu(const GraphTensor& x, const GraphTensor& y) {
  pointwise(CUDNN_POINTWISE_RELU_FWD, x, y).finalize("ReLU node");
}

void GraphBuilder::sum(const GraphTensor& x, const GraphTensor& y) {
  Descriptor function(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
  const cudnnReduceTensorOp_t mode = CUDNN_REDUCE_TENSOR_ADD;
  function.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &mode);
  function.set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  function.finalize("sum");
  const cudnnBackendDescriptor_t in = tensor(x), out = tensor(y);
  Descriptor node(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
  node.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, function);
  node.set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &in);
  node.set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &out);
  node.finalize("sum node");
  functions_.push_back(std::move(function));
  nodes_.push_back(std::move(node));
  ++sums_;
}

Graph GraphBuilder::finish() {
  if (strided_gradient_ && sums_ > 1)
    throw Error("cudnn: no engine compiles a strided data gradient with " + std::to_string(sums_) +
                " sums; take the sums in a pass of their own");
  std::vector<cudnnBackendDescriptor_t> nodes;
  for (const Descriptor& node : nodes_) nodes.push_back(node.get());
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
            static_cast<std::int64_t>(nodes.size()), nodes.data());
  graph.finalize("operation graph");
  return {std::move(graph), sums_ > 0};
}

}  // namespace thaw::cuda
