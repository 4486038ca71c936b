// Executes the nodes of a graph on the host: every tensor as a dense float array in the order of its
// dimensions.
#include <cuda_bf16.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/simt/cudnn_fake.h"
#include "tests/simt/simt.h"

namespace simt::cudnn {
namespace {

using Values = std::vector<float>;

std::int64_t elements(const Integers& dims) {
  std::int64_t count = 1;
  for (const std::int64_t d : dims) count *= d;
  return count;
}

// Calls f(n, c, h, w, linear index) for every element.
template <class F>
void each(const Integers& d, F f) {
  std::int64_t linear = 0;
  for (std::int64_t n = 0; n < d[0]; ++n)
    for (std::int64_t c = 0; c < d[1]; ++c)
      for (std::int64_t h = 0; h < d[2]; ++h)
        for (std::int64_t w = 0; w < d[3]; ++w) f(n, c, h, w, static_cast<std::size_t>(linear++));
}

std::size_t dense(const Integers& d, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  const auto at = [](std::int64_t i, std::int64_t extent) { return extent == 1 ? 0 : i; };  // broadcasts
  return static_cast<std::size_t>(((at(n, d[0]) * d[1] + at(c, d[1])) * d[2] + at(h, d[2])) * d[3] +
                                  at(w, d[3]));
}

float rounded(cudnnDataType_t type, float value) {
  return type == CUDNN_DATA_BFLOAT16 ? __bfloat162float(__float2bfloat16(value)) : value;
}

float load_value(cudnnDataType_t type, const void* from, std::int64_t at) {
  if (type == CUDNN_DATA_BFLOAT16) return __bfloat162float(static_cast<const __nv_bfloat16*>(from)[at]);
  return static_cast<const float*>(from)[at];
}

void store_value(cudnnDataType_t type, void* to, std::int64_t at, float value) {
  if (type == CUDNN_DATA_BFLOAT16)
    static_cast<__nv_bfloat16*>(to)[at] = __float2bfloat16(value);
  else
    static_cast<float*>(to)[at] = value;
}

std::int64_t offset(const Tensor& t, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  return n * t.strides[0] + c * t.strides[1] + h * t.strides[2] + w * t.strides[3];
}

// Output columns [first, last) whose tap `s` lies inside a picture `width` wide.
struct Columns {
  std::int64_t first, last, input;  // `input`: the column that output column 0 would read
};
Columns columns_of(std::int64_t s, std::int64_t width, std::int64_t out, std::int64_t stride,
                   std::int64_t padding, std::int64_t dilation) {
  const std::int64_t input = s * dilation - padding;
  const std::int64_t first = input < 0 ? (-input + stride - 1) / stride : 0;
  const std::int64_t last = input >= width ? 0 : std::min(out, (width - 1 - input) / stride + 1);
  return {first, last, input};
}

// One row of outputs, one tap; adds to `sum`, which points into the one of x, w, y that is computed.
void convolve_row(Node::Kind kind, const Columns& at, std::int64_t stride, const float* x, const float* w,
                  const float* y, double* sum) {
  for (std::int64_t o = at.first; o < at.last; ++o) {
    const std::int64_t i = at.input + o * stride;
    if (kind == Node::Kind::forward)
      sum[o] += double(x[i]) * *w;
    else if (kind == Node::Kind::data_gradient)
      sum[i] += double(y[o]) * *w;
    else
      *sum += double(x[i]) * y[o];
  }
}

// Sums in double: the order in which an engine adds in f32, in blocks and tiles, is not known.
void convolve(const Node& node, std::map<std::int64_t, Values>& values) {
  const Tensor tx = tensor_of(*node.x), tw = tensor_of(*node.w), ty = tensor_of(*node.y);
  const Values &x = values[tx.uid], &w = values[tw.uid], &y = values[ty.uid];
  Values& out = values[tensor_of(*node.output).uid];
  std::vector<double> sums(out.size());
  const Integers stride = node.function->integers(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  const Integers dilation = node.function->integers(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  const Integers padding = node.function->integers(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  const std::int64_t per_group = tw.dims[0] / (tx.dims[1] / tw.dims[1]);
  const Integers rows{ty.dims[0], ty.dims[1], ty.dims[2], 1};
  each(rows, [&](std::int64_t n, std::int64_t k, std::int64_t oh, std::int64_t, std::size_t) {
    each({1, tw.dims[1], tw.dims[2], tw.dims[3]},
         [&](std::int64_t, std::int64_t c, std::int64_t r, std::int64_t s, std::size_t) {
           const std::int64_t h = oh * stride[0] - padding[0] + r * dilation[0];
           if (h < 0 || h >= tx.dims[2]) return;
           const Columns at = columns_of(s, tx.dims[3], ty.dims[3], stride[1], padding[1], dilation[1]);
           const std::size_t ix = dense(tx.dims, n, k / per_group * tw.dims[1] + c, h, 0),
                             iw = dense(tw.dims, k, c, r, s), iy = dense(ty.dims, n, k, oh, 0);
           const std::size_t to = node.output == node.x ? ix : node.output == node.w ? iw : iy;
           convolve_row(node.kind, at, stride[1], &x[ix], &w[iw], &y[iy], &sums[to]);
         });
  });
  std::transform(sums.begin(), sums.end(), out.begin(), [](double sum) { return static_cast<float>(sum); });
}

void pointwise(const Node& node, std::map<std::int64_t, Values>& values) {
  const Tensor a = tensor_of(*node.inputs.front()), b = tensor_of(*node.inputs.back()),
               y = tensor_of(*node.output);
  const auto mode = static_cast<cudnnPointwiseMode_t>(node.function->integer(CUDNN_ATTR_POINTWISE_MODE));
  const Values &va = values[a.uid], &vb = values[b.uid];
  Values& out = values[y.uid];
  each(y.dims, [&](std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, std::size_t i) {
    const float first = va[dense(a.dims, n, c, h, w)], second = vb[dense(b.dims, n, c, h, w)];
    if (mode == CUDNN_POINTWISE_ADD)
      out[i] = first + second;
    else if (mode == CUDNN_POINTWISE_RELU_FWD)
      out[i] = first <= 0.0f ? 0.0f : first;
    else
      out[i] = NAN;  // a mode that Thaw does not build
  });
}

void sum(const Node& node, std::map<std::int64_t, Values>& values) {
  const Tensor x = tensor_of(*node.inputs.front()), y = tensor_of(*node.output);
  Values& out = values[y.uid];
  std::vector<double> sums(out.size());
  each(x.dims, [&](std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, std::size_t i) {
    sums[dense(y.dims, n, c, h, w)] += values[x.uid][i];
  });
  std::transform(sums.begin(), sums.end(), out.begin(), [](double s) { return static_cast<float>(s); });
}

float beta_of(const Descriptor& convolution) {
  switch (convolution.kind) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      return convolution.real(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0f);
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      return convolution.real(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, 0.0f);
    default:
      return convolution.real(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, 0.0f);
  }
}

}  // namespace

std::size_t element_size(cudnnDataType_t type) {
  return type == CUDNN_DATA_BFLOAT16 ? 2 : 4;
}

std::int64_t extent(const Tensor& t) {
  return offset(t, t.dims[0] - 1, t.dims[1] - 1, t.dims[2] - 1, t.dims[3] - 1) + 1;
}

void interpret(const Descriptor& graph, const std::map<std::int64_t, void*>& pointers, bool tf32) {
  std::map<std::int64_t, Values> values;
  for (const auto& operation : graph.attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors) {
    const Node node = node_of(*operation);
    for (const Descriptor* input : node.inputs) {
      const Tensor t = tensor_of(*input);
      if (t.is_virtual || values.count(t.uid) != 0) continue;
      Values& in = values[t.uid];
      in.resize(static_cast<std::size_t>(elements(t.dims)));
      each(t.dims, [&](std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, std::size_t i) {
        const float value = load_value(t.type, pointers.at(t.uid), offset(t, n, c, h, w));
        in[i] = tf32 && is_convolution(node) ? simt::rounded_to_tf32(value) : value;
      });
    }
    const Tensor out = tensor_of(*node.output);
    values[out.uid].assign(static_cast<std::size_t>(elements(out.dims)), 0.0f);
    if (node.kind == Node::Kind::pointwise)
      pointwise(node, values);
    else if (node.kind == Node::Kind::sum)
      sum(node, values);
    else
      convolve(node, values);
    const float beta = is_convolution(node) ? beta_of(*operation) : 0.0f;
    if (beta != 0.0f && !out.is_virtual)
      each(out.dims, [&](std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, std::size_t i) {
        values[out.uid][i] += beta * load_value(out.type, pointers.at(out.uid), offset(out, n, c, h, w));
      });
    for (float& value : values[out.uid]) value = rounded(out.type, value);
    if (out.is_virtual) continue;
    each(out.dims, [&](std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, std::size_t i) {
      store_value(out.type, pointers.at(out.uid), offset(out, n, c, h, w), values[out.uid][i]);
    });
  }
}

}  // namespace simt::cudnn
