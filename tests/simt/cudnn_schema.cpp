#include "tests/simt/cudnn_schema.h"

namespace simt::cudnn {
namespace {

constexpr std::int64_t many = 8192;

// The six attributes of a convolution node lie at consecutive numbers from `alpha` on.
std::vector<Rule> convolution_rules(int alpha) {
  std::vector<Rule> rules{{alpha, type_float, 1, true}, {alpha + 1, type_float, 1, true}};
  for (int i = 2; i < 6; ++i) rules.push_back({alpha + i, type_desc, 1, true});
  return rules;
}

}  // namespace

const std::map<int, std::vector<Rule>>& schema() {
  static const std::map<int, std::vector<Rule>> rules{
      {CUDNN_BACKEND_TENSOR_DESCRIPTOR,
       {{CUDNN_ATTR_TENSOR_DATA_TYPE, type_data, 1, true},
        {CUDNN_ATTR_TENSOR_DIMENSIONS, type_int, CUDNN_DIM_MAX, true},
        {CUDNN_ATTR_TENSOR_STRIDES, type_int, CUDNN_DIM_MAX, true},
        {CUDNN_ATTR_TENSOR_UNIQUE_ID, type_int, 1, true},
        {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, type_int, 1, true},
        {CUDNN_ATTR_TENSOR_IS_VIRTUAL, type_bool, 1, false}}},
      {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR,
       {{CUDNN_ATTR_CONVOLUTION_COMP_TYPE, type_data, 1, true},
        {CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, true},
        {CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, type_int, 1, true},
        {CUDNN_ATTR_CONVOLUTION_DILATIONS, type_int, 3, true},
        {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, type_int, 3, true},
        {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, type_int, 3, true},
        {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, type_int, 3, true}}},
      {CUDNN_BACKEND_POINTWISE_DESCRIPTOR,
       {{CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, true},
        {CUDNN_ATTR_POINTWISE_MATH_PREC, type_data, 1, true}}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
       convolution_rules(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA)},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
       convolution_rules(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA)},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
       convolution_rules(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA)},
      {CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, type_desc, 1, true},
        {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, type_desc, 1, true},
        {CUDNN_ATTR_OPERATION_POINTWISE_BDESC, type_desc, 1, false},
        {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, type_desc, 1, true}}},
      {CUDNN_BACKEND_REDUCTION_DESCRIPTOR,
       {{CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, true},
        {CUDNN_ATTR_REDUCTION_COMP_TYPE, type_data, 1, true}}},
      {CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_REDUCTION_DESC, type_desc, 1, true},
        {CUDNN_ATTR_OPERATION_REDUCTION_XDESC, type_desc, 1, true},
        {CUDNN_ATTR_OPERATION_REDUCTION_YDESC, type_desc, 1, true}}},
      {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, {{CUDNN_ATTR_OPERATIONGRAPH_OPS, type_desc, many, true}}},
      {CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, {{CUDNN_ATTR_DEVICEPROP_HANDLE, CUDNN_TYPE_HANDLE, 1, true}}},
      {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR,
       {{CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, type_desc, 1, true},
        {CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, true},
        {CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, type_desc, 1, true}}},
      {CUDNN_BACKEND_ENGINE_DESCRIPTOR, {{CUDNN_ATTR_ENGINE_OPERATION_GRAPH, type_desc, 1, true}}},
      {CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, {{CUDNN_ATTR_ENGINECFG_ENGINE, type_desc, 1, true}}},
      {CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR,
       {{CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, true},
        {CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, type_int, 1, true}}},
      {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR,
       {{CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, type_desc, 1, true},
        {CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, false},  // one of these two
        {CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, type_desc, 1, false}}},
      {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
       {{CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, type_int, many, true},
        {CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, type_pointer, many, true},
        {CUDNN_ATTR_VARIANT_PACK_WORKSPACE, type_pointer, 1, true}}}};
  return rules;
}

}  // namespace simt::cudnn
