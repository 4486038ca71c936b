// What the attributes of a descriptor mean, and which combinations cuDNN refuses: at least those that it
// refuses in cudnn_answers.tsv.
#include <algorithm>
#include <cstring>
#include <set>

#include "tests/simt/cudnn_fake.h"

namespace simt::cudnn {
namespace {

constexpr cudnnStatus_t good = CUDNN_STATUS_SUCCESS, bad = CUDNN_STATUS_BAD_PARAM;

bool broadcasts(const Integers& from, const Integers& to) {
  if (from.size() != to.size()) return false;
  for (std::size_t i = 0; i < to.size(); ++i)
    if (from[i] != 1 && from[i] != to[i]) return false;
  return true;
}

cudnnStatus_t check_tensor(const Descriptor& d) {
  const Tensor t = tensor_of(d);
  if (t.dims.size() != 4 || t.strides.size() != 4) return bad;
  if (t.alignment <= 0 || (t.alignment & (t.alignment - 1)) != 0) return bad;
  if (std::any_of(t.dims.begin(), t.dims.end(), [](std::int64_t v) { return v <= 0; })) return bad;
  return t.type == CUDNN_DATA_FLOAT || t.type == CUDNN_DATA_BFLOAT16 ? good : CUDNN_STATUS_NOT_SUPPORTED;
}

cudnnStatus_t check_function(const Descriptor& d) {
  for (const auto name : {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS}) {
    const Integers padding = d.integers(name);
    if (padding.size() != 2 || padding[0] < 0 || padding[1] < 0) return bad;
  }
  const std::size_t strides = d.integers(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES).size();
  return strides == 2 && d.integers(CUDNN_ATTR_CONVOLUTION_DILATIONS).size() == 2 ? good : bad;
}

cudnnStatus_t check_convolution(const Node& n) {
  const Integers x = tensor_of(*n.x).dims, w = tensor_of(*n.w).dims, y = tensor_of(*n.y).dims;
  const Integers stride = n.function->integers(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  const Integers dilation = n.function->integers(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  const Integers before = n.function->integers(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  const Integers after = n.function->integers(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
  if (y[0] != x[0] || y[1] != w[0] || x[1] % w[1] != 0 || w[0] % (x[1] / w[1]) != 0) return bad;
  for (std::size_t i = 0; i < 2; ++i)
    if (y[2 + i] != (x[2 + i] + before[i] + after[i] - dilation[i] * (w[2 + i] - 1) - 1) / stride[i] + 1)
      return bad;
  if (n.kind == Node::Kind::weight_gradient && tensor_of(*n.x).type != tensor_of(*n.w).type)
    return CUDNN_STATUS_NOT_SUPPORTED;  // cuDNN 9.19 has no engine from bf16 to an f32 weight gradient
  return good;
}

// Each tensor is written once, and a virtual one before it is read.
cudnnStatus_t check_graph(const Descriptor& d) {
  std::set<std::int64_t> written;
  bool first = true;
  for (const auto& operation : d.attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors) {
    if (!is_node(*operation)) return bad;
    const Node n = node_of(*operation);
    for (const Descriptor* input : n.inputs) {
      const Tensor t = tensor_of(*input);
      if (t.is_virtual && written.count(t.uid) == 0) return bad;
    }
    if (is_convolution(n) && !first) return CUDNN_STATUS_NOT_SUPPORTED;
    if (!written.insert(tensor_of(*n.output).uid).second) return bad;
    first = false;
  }
  return good;
}

// The real library finds no engine for a depthwise bf16 convolution with anything after it.
cudnnStatus_t check_engines(const Descriptor& heuristic) {
  const auto& nodes = heuristic.descriptor(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH)
                          ->attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS)
                          .descriptors;
  const Node first = node_of(*nodes.front());
  if (!is_convolution(first) || nodes.size() == 1) return good;
  const Tensor x = tensor_of(*first.x), w = tensor_of(*first.w);
  const bool depthwise = w.dims[1] == 1 && x.dims[1] > 1;
  return depthwise && x.type == CUDNN_DATA_BFLOAT16 ? CUDNN_STATUS_NOT_SUPPORTED : good;
}

cudnnStatus_t check_pointwise(const Node& n) {
  const auto mode = static_cast<cudnnPointwiseMode_t>(n.function->integer(CUDNN_ATTR_POINTWISE_MODE));
  if (n.inputs.size() != (mode == CUDNN_POINTWISE_ADD ? 2 : 1)) return bad;
  const Integers to = tensor_of(*n.output).dims;
  const bool all = std::all_of(n.inputs.begin(), n.inputs.end(),
                               [&](const Descriptor* i) { return broadcasts(tensor_of(*i).dims, to); });
  return all ? good : bad;
}

}  // namespace

// A bf16 convolution with anything after it reads pairs of channels, where their number is even, from
// addresses that may not be those of pairs.
bool source_compiles(const Descriptor& graph) {
  const auto& nodes = graph.attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors;
  const Node first = node_of(*nodes.front());
  if (!is_convolution(first) || nodes.size() == 1) return true;
  const Tensor x = tensor_of(*first.x);
  const bool paired = x.alignment % 4 == 0 && x.strides[3] % 2 == 0;
  return x.type != CUDNN_DATA_BFLOAT16 || x.dims[1] % 2 != 0 || paired;
}

Integers Descriptor::integers(int name) const {
  const auto it = attributes.find(name);
  if (it == attributes.end()) return {};
  Integers values(static_cast<std::size_t>(it->second.count));
  std::memcpy(values.data(), it->second.bytes.data(), it->second.bytes.size());
  return values;
}

std::int64_t Descriptor::integer(int name) const {
  const auto it = attributes.find(name);
  std::int64_t value = 0;  // little-endian: smaller types fill the low bytes
  if (it != attributes.end())
    std::memcpy(&value, it->second.bytes.data(), std::min<std::size_t>(8, it->second.bytes.size()));
  return value;
}

float Descriptor::real(int name, float otherwise) const {
  const auto it = attributes.find(name);
  if (it != attributes.end()) std::memcpy(&otherwise, it->second.bytes.data(), sizeof otherwise);
  return otherwise;
}

const Descriptor* Descriptor::descriptor(int name) const {
  const auto it = attributes.find(name);
  return it == attributes.end() ? nullptr : it->second.descriptors.at(0).get();
}

Tensor tensor_of(const Descriptor& d) {
  return {static_cast<cudnnDataType_t>(d.integer(CUDNN_ATTR_TENSOR_DATA_TYPE)),
          d.integers(CUDNN_ATTR_TENSOR_DIMENSIONS),
          d.integers(CUDNN_ATTR_TENSOR_STRIDES),
          d.integer(CUDNN_ATTR_TENSOR_UNIQUE_ID),
          d.integer(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT),
          d.integer(CUDNN_ATTR_TENSOR_IS_VIRTUAL) != 0};
}

bool is_convolution(const Node& n) {
  return n.kind != Node::Kind::pointwise && n.kind != Node::Kind::sum;
}

bool is_node(const Descriptor& d) {
  return d.kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ||
         d.kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ||
         d.kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR ||
         d.kind == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR ||
         d.kind == CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR;
}

Node node_of(const Descriptor& d) {
  Node n;
  switch (d.kind) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      n.kind = Node::Kind::forward;
      n.function = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC);
      n.x = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X);
      n.w = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W);
      n.y = n.output = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y);
      n.inputs = {n.x, n.w};
      return n;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      n.kind = Node::Kind::data_gradient;
      n.function = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC);
      n.x = n.output = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX);
      n.w = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W);
      n.y = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY);
      n.inputs = {n.y, n.w};
      return n;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      n.kind = Node::Kind::weight_gradient;
      n.function = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC);
      n.x = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X);
      n.w = n.output = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW);
      n.y = d.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY);
      n.inputs = {n.x, n.y};
      return n;
    case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
      n.kind = Node::Kind::sum;
      n.function = d.descriptor(CUDNN_ATTR_OPERATION_REDUCTION_DESC);
      n.inputs = {d.descriptor(CUDNN_ATTR_OPERATION_REDUCTION_XDESC)};
      n.output = d.descriptor(CUDNN_ATTR_OPERATION_REDUCTION_YDESC);
      return n;
    default:
      n.kind = Node::Kind::pointwise;
      n.function = d.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
      n.inputs = {d.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_XDESC)};
      if (const Descriptor* second = d.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_BDESC))
        n.inputs.push_back(second);
      n.output = d.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
      return n;
  }
}

cudnnStatus_t check_meaning(Descriptor& d) {
  if (d.kind == CUDNN_BACKEND_TENSOR_DESCRIPTOR) return check_tensor(d);
  if (d.kind == CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR) return check_function(d);
  if (d.kind == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) return check_graph(d);
  if (d.kind == CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR) {
    const Integers uids = d.integers(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    if (uids.size() != d.integers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).size()) return bad;
    return std::set<std::int64_t>(uids.begin(), uids.end()).size() == uids.size() ? good : bad;
  }
  if (d.kind == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR) return check_engines(d);
  if (!is_node(d)) return good;
  const Node n = node_of(d);
  if (n.kind == Node::Kind::sum)
    return broadcasts(tensor_of(*n.output).dims, tensor_of(*n.inputs.front()).dims) ? good : bad;
  return n.kind == Node::Kind::pointwise ? check_pointwise(n) : check_convolution(n);
}

}  // namespace simt::cudnn
