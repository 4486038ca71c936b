// Wrong calls: each answer is the status that cuDNN gives at the step that the name says.
#include "kernels/error.h"
#include "tests/simt/deviceless/questions.h"

namespace thaw::deviceless {
namespace {

using cuda::Descriptor;
using Integers = std::vector<std::int64_t>;

cudnnStatus_t put(const Descriptor& d, cudnnBackendAttributeName_t name, const Integers& values) {
  return cudnnBackendSetAttribute(d.get(), name, CUDNN_TYPE_INT64, static_cast<std::int64_t>(values.size()),
                                  values.data());
}

cudnnStatus_t put(const Descriptor& d, cudnnBackendAttributeName_t name, const Descriptor& value) {
  cudnnBackendDescriptor_t handle = value.get();
  return cudnnBackendSetAttribute(d.get(), name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &handle);
}

// NHWC, not yet finalised. Any attribute may be given another value before that.
Descriptor open_tensor(std::int64_t uid, const Integers& dims, bool is_virtual = false) {
  Descriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT);
  d.set(CUDNN_ATTR_TENSOR_DIMENSIONS, dims);
  d.set(CUDNN_ATTR_TENSOR_STRIDES, {dims[1] * dims[2] * dims[3], 1, dims[3] * dims[1], dims[1]});
  d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, uid);
  d.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t{16});
  d.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual);
  return d;
}

Descriptor tensor(std::int64_t uid, const Integers& dims, bool is_virtual = false) {
  Descriptor d = open_tensor(uid, dims, is_virtual);
  d.finalize("tensor");
  return d;
}

Descriptor open_convolution(const Integers& padding) {
  Descriptor d(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  d.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2});
  d.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  d.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
  d.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, padding);
  d.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, padding);
  d.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, {1, 1});
  d.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {1, 1});
  return d;
}

// x [2,8,6,6], w [8,8,3,3], padding 1; `y` as given.
cudnnStatus_t convolution_status(const Integers& w_dims, const Integers& y_dims) {
  Descriptor function = open_convolution({1, 1});
  function.finalize("convolution");
  const Descriptor x = tensor(1, {2, 8, 6, 6}), w = tensor(2, w_dims), y = tensor(3, y_dims);
  const float alpha = 1.0f, beta = 0.0f;
  Descriptor node(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  node.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, function);
  node.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x);
  node.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w);
  node.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
  node.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1, &alpha);
  node.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 1, &beta);
  return node.try_finalize();
}

Descriptor open_pointwise(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor* b,
                          const Descriptor& y) {
  Descriptor function(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  function.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
  function.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
  function.finalize("pointwise");
  Descriptor node(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  node.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, function);
  node.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
  if (b) node.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
  node.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
  return node;
}

Descriptor relu(const Descriptor& x, const Descriptor& y) {
  Descriptor node = open_pointwise(CUDNN_POINTWISE_RELU_FWD, x, nullptr, y);
  node.finalize("ReLU");
  return node;
}

cudnnStatus_t graph_status(const std::vector<const Descriptor*>& nodes) {
  std::vector<cudnnBackendDescriptor_t> handles;
  for (const Descriptor* node : nodes) handles.push_back(node->get());
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  const cudnnStatus_t status =
      cudnnBackendSetAttribute(graph.get(), CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                               static_cast<std::int64_t>(handles.size()), handles.data());
  return status != CUDNN_STATUS_SUCCESS ? status : graph.try_finalize();
}

// The status of finalising a tensor with one attribute changed.
cudnnStatus_t changed(cudnnBackendAttributeName_t name, const Integers& values) {
  Descriptor d = open_tensor(1, {2, 8, 6, 6});
  const cudnnStatus_t status = put(d, name, values);
  return status != CUDNN_STATUS_SUCCESS ? status : d.try_finalize();
}

cudnnStatus_t pack_status(const Integers& uids, std::size_t pointer_count) {
  const std::vector<void*> pointers(pointer_count, reinterpret_cast<void*>(std::uintptr_t{256}));
  void* workspace = nullptr;
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, uids);
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
           static_cast<std::int64_t>(pointer_count), pointers.data());
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
  return pack.try_finalize();
}

const Integers picture{2, 8, 6, 6};

std::vector<std::pair<const char*, cudnnStatus_t (*)()>> attribute_misuses() {
  return {
      {"dimensions given as floats",
       [] {
         const float one = 1.0f;
         return cudnnBackendSetAttribute(open_tensor(1, picture).get(), CUDNN_ATTR_TENSOR_DIMENSIONS,
                                         CUDNN_TYPE_FLOAT, 1, &one);
       }},
      {"an attribute of another descriptor",
       [] { return put(open_tensor(1, picture), CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, Integers{2}); }},
      {"9 dimensions set",
       [] { return put(open_tensor(1, picture), CUDNN_ATTR_TENSOR_DIMENSIONS, Integers(9, 1)); }},
      {"dimensions from a null array",
       [] {
         return cudnnBackendSetAttribute(open_tensor(1, picture).get(), CUDNN_ATTR_TENSOR_DIMENSIONS,
                                         CUDNN_TYPE_INT64, 4, nullptr);
       }},
      {"an empty tensor finalised",
       [] { return Descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR).try_finalize(); }},
      {"a size of 0",
       [] {
         return changed(CUDNN_ATTR_TENSOR_DIMENSIONS, {2, 8, 0, 6});
       }},
      {"a negative size",
       [] {
         return changed(CUDNN_ATTR_TENSOR_DIMENSIONS, {2, -8, 6, 6});
       }},
      {"an alignment of 3", [] { return changed(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {3}); }},
      {"an alignment of 0", [] { return changed(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {0}); }},
      {"3 strides for 4 dimensions",
       [] {
         return changed(CUDNN_ATTR_TENSOR_STRIDES, {288, 1, 48});
       }},
      {"set after finalize",
       [] { return put(tensor(1, picture), CUDNN_ATTR_TENSOR_UNIQUE_ID, Integers{9}); }},
      {"finalize twice", [] { return tensor(1, picture).try_finalize(); }},
      {"a node with a tensor that is not finalised",
       [] {
         return put(Descriptor(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR),
                    CUDNN_ATTR_OPERATION_POINTWISE_XDESC, open_tensor(1, picture));
       }},
      {"1 padding for 2 dimensions", [] { return open_convolution({1}).try_finalize(); }},
      {"a negative padding",
       [] {
         return open_convolution({-1, 1}).try_finalize();
       }},
      {"names and pointers of different number",
       [] {
         return pack_status({1, 2, 3}, 2);
       }},
      {"one name twice in a variant pack",
       [] {
         return pack_status({1, 1}, 2);
       }},
  };
}

std::vector<std::pair<const char*, cudnnStatus_t (*)()>> node_misuses() {
  return {
      {"a right convolution (no misuse)",
       [] {
         return convolution_status({8, 8, 3, 3}, picture);
       }},
      {"a convolution with a wrong output size",
       [] {
         return convolution_status({8, 8, 3, 3}, {2, 8, 5, 5});
       }},
      {"a convolution with a wrong number of outputs",
       [] {
         return convolution_status({8, 8, 3, 3}, {2, 7, 6, 6});
       }},
      {"a convolution with a wrong number of pictures",
       [] {
         return convolution_status({8, 8, 3, 3}, {1, 8, 6, 6});
       }},
      {"a convolution of 8 channels with weights for 7",
       [] {
         return convolution_status({8, 7, 3, 3}, picture);
       }},
      {"a bias of 7 channels on 8",
       [] {
         const Descriptor x = tensor(1, picture), b = tensor(2, {1, 7, 1, 1}), y = tensor(3, picture);
         return open_pointwise(CUDNN_POINTWISE_ADD, x, &b, y).try_finalize();
       }},
      {"an addition of one operand",
       [] {
         const Descriptor x = tensor(1, picture), y = tensor(3, picture);
         return open_pointwise(CUDNN_POINTWISE_ADD, x, nullptr, y).try_finalize();
       }},
      {"a right graph (no misuse)",
       [] {
         const Descriptor x = tensor(1, picture), y = tensor(2, picture), node = relu(x, y);
         return graph_status({&node});
       }},
      {"an empty graph", [] { return Descriptor(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR).try_finalize(); }},
      {"a virtual tensor that no node writes",
       [] {
         const Descriptor x = tensor(1, picture, true), y = tensor(2, picture), node = relu(x, y);
         return graph_status({&node});
       }},
      {"nodes in the wrong order",
       [] {
         const Descriptor x = tensor(1, picture), between = tensor(2, picture, true), y = tensor(3, picture);
         const Descriptor second = relu(between, y), first = relu(x, between);
         return graph_status({&second, &first});
       }},
      {"two nodes that write one tensor",
       [] {
         const Descriptor x = tensor(1, picture), y = tensor(2, picture);
         const Descriptor one = relu(x, y), other = relu(x, y);
         return graph_status({&one, &other});
       }},
      {"two tensors of one name",
       [] {
         const Descriptor x = tensor(1, picture), y = tensor(1, picture), node = relu(x, y);
         return graph_status({&node});
       }},
  };
}

}  // namespace

std::vector<Question> misuse_questions() {
  std::vector<Question> all;
  for (const auto& group : {attribute_misuses(), node_misuses()})
    for (const auto& [name, status] : group)
      all.push_back({name, [status = status](const cuda::Device&) -> std::string {
                       return cudnnGetErrorString(status());
                     }});
  return all;
}

}  // namespace thaw::deviceless
