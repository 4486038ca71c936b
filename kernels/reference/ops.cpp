// Each op of the Backend: checks, then the loops of this folder on floats.
#include "kernels/reference/activation.h"
#include "kernels/reference/batch_norm.h"
#include "kernels/reference/binary_cross_entropy.h"
#include "kernels/reference/concat.h"
#include "kernels/reference/conv2d.h"
#include "kernels/reference/dropout.h"
#include "kernels/reference/elementwise.h"
#include "kernels/reference/flatten.h"
#include "kernels/reference/linear.h"
#include "kernels/reference/norm_relu_pool.h"
#include "kernels/reference/normalize.h"
#include "kernels/reference/optimizer_step.h"
#include "kernels/reference/pool2d.h"
#include "kernels/reference/reference_backend.h"
#include "kernels/reference/shortcut_a.h"
#include "kernels/reference/softmax_cross_entropy.h"

namespace thaw::reference {
namespace {

std::string extents(const ConstView& v) {
  return "[" + std::to_string(v.n) + ", " + std::to_string(v.c) + ", " + std::to_string(v.h) + ", " +
         std::to_string(v.w) + "]";
}

void require(bool holds, const char* op, const ConstView& a, const ConstView& b) {
  if (!holds) throw Error(std::string(op) + ": shapes " + extents(a) + " and " + extents(b) + " do not fit");
}

void same_shape(const char* op, const ConstView& a, const ConstView& b) {
  require(!b || (a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c), op, a, b);
}

// `x` is the convolution's or the pool's input (or its gradient), `y` the output.
void check_conv(const char* op, const Conv2dSpec& s, const ConstView& x, const ConstView& y) {
  require(x.n == y.n && x.c == s.in && y.c == s.out && y.h == s.out_h(x.h) && y.w == s.out_w(x.w) &&
              s.in % s.groups == 0 && s.out % s.groups == 0,
          op, x, y);
}

void check_pool(const char* op, const Pool2dSpec& s, const ConstView& x, const ConstView& y) {
  require(x.n == y.n && x.c == y.c && y.h == s.out_size(x.h) && y.w == s.out_size(x.w), op, x, y);
}

void check_kernel(const char* op, const Pool2dSpec& s) {
  if (s.kernel > 15) throw Error(std::string(op) + ": kernel " + std::to_string(s.kernel) + " is above 15");
}

// Weights or rows of `count` values as floats.
ConstView values(const Weights& weight, Index count) {
  ConstView view;
  view.data = weight.data;
  view.type = weight.type;
  view.n = 1;
  view.c = view.pitch = count;
  return view;
}

const float* floats(const Input& input) {
  return Image<const float>(input).data;
}

void round_segments(const ArenaSegment* segments, Index count, const StepState& state, const float* weight,
                    bf16* low_precision) {
  if (low_precision == nullptr || state.skip != 0) return;
  for (Index s = 0; s < count; ++s) {
    for (Index i = segments[s].begin; i < segments[s].end; ++i) low_precision[i] = bf16(weight[i]);
  }
}

}  // namespace

void ReferenceBackend::normalize_u8(const std::uint8_t* x, std::int64_t channels, const float* mean,
                                    const float* std, const std::uint8_t* flip, View y) {
  if (channels > y.c)
    throw Error("normalize_u8: " + std::to_string(channels) + " channels into " + std::to_string(y.c));
  reference::normalize_u8<float>(x, channels, mean, std, flip, Output(y));
}

void ReferenceBackend::conv2d_forward(const Conv2dSpec& spec, ConstView x, Weights weight, const float* bias,
                                      ConstView residual, Activation activation, View y) {
  check_conv("conv2d_forward", spec, x, y);
  same_shape("conv2d_forward", y, residual);
  const Input w(values(weight, spec.weight_elements()));
  reference::conv2d_forward<float>(spec, Input(x), floats(w), bias, Input(residual), activation, Output(y));
}

void ReferenceBackend::conv2d_backward_data(const Conv2dSpec& spec, ConstView dy, Weights weight, View dx) {
  check_conv("conv2d_backward_data", spec, dx, dy);
  const Input w(values(weight, spec.weight_elements()));
  reference::conv2d_backward_data<float>(spec, Input(dy), floats(w), Output(dx));
}

void ReferenceBackend::conv2d_backward_weight(const Conv2dSpec& spec, ConstView x, ConstView dy,
                                              float* dweight, Into into) {
  check_conv("conv2d_backward_weight", spec, x, dy);
  reference::conv2d_backward_weight<float>(spec, Input(x), Input(dy), dweight, into);
}

void ReferenceBackend::bias_backward(ConstView dy, float* dbias, Into into) {
  reference::bias_backward<float>(Input(dy), dbias, into);
}

void ReferenceBackend::linear_forward(ConstView x, Weights weight, const float* bias, View y) {
  require(x.pixels() == y.pixels(), "linear_forward", x, y);
  const Input w(values(weight, x.c * y.c));
  reference::linear_forward<float>(Input(x), floats(w), bias, Output(y));
}

void ReferenceBackend::linear_backward_data(ConstView dy, Weights weight, View dx) {
  require(dx.pixels() == dy.pixels(), "linear_backward_data", dy, dx);
  const Input w(values(weight, dx.c * dy.c));
  reference::linear_backward_data<float>(Input(dy), floats(w), Output(dx));
}

void ReferenceBackend::linear_backward_weight(ConstView x, ConstView dy, float* dweight, Into into) {
  require(x.pixels() == dy.pixels(), "linear_backward_weight", x, dy);
  reference::linear_backward_weight<float>(Input(x), Input(dy), dweight, into);
}

void ReferenceBackend::lerp(const float* from, std::int64_t count, float scale, float weight, float* to) {
  reference::lerp(from, count, scale, weight, to);
}

void ReferenceBackend::batch_norm_statistics(ConstView x, float* mean, float* var) {
  if (x.pixels() == 0) throw Error("batch_norm_statistics: no pixels; the batch is empty");
  reference::batch_norm_statistics<float>(Input(x), mean, var);
}

void ReferenceBackend::batch_norm_apply(const BatchNormSpec& spec, ConstView x, const float* mean,
                                        const float* var, const float* gamma, const float* beta,
                                        ConstView residual, View y, std::uint8_t* relu_mask) {
  same_shape("batch_norm_apply", x, y);
  same_shape("batch_norm_apply", x, residual);
  reference::batch_norm_apply<float>(spec, Input(x), mean, var, gamma, beta, Input(residual), Output(y),
                                     relu_mask);
}

void ReferenceBackend::batch_norm_backward_reduce(const BatchNormSpec& spec, ConstView dy, ConstView x,
                                                  const float* mean, const float* var,
                                                  const std::uint8_t* relu_mask, float* sum_g,
                                                  float* sum_g_xhat) {
  same_shape("batch_norm_backward_reduce", dy, x);
  reference::batch_norm_backward_reduce<float>(spec, Input(dy), Input(x), mean, var, relu_mask, sum_g,
                                               sum_g_xhat);
}

void ReferenceBackend::batch_norm_backward_apply(const BatchNormSpec& spec, ConstView dy, ConstView x,
                                                 const float* mean, const float* var, const float* gamma,
                                                 const std::uint8_t* relu_mask, const float* sum_g,
                                                 const float* sum_g_xhat, View dx, Into into,
                                                 View dresidual) {
  same_shape("batch_norm_backward_apply", dy, x);
  same_shape("batch_norm_backward_apply", dy, dx);
  same_shape("batch_norm_backward_apply", dy, dresidual);
  reference::batch_norm_backward_apply<float>(spec, Input(dy), Input(x), mean, var, gamma, relu_mask, sum_g,
                                              sum_g_xhat, Output(dx), into, Output(dresidual));
}

void ReferenceBackend::relu_forward(ConstView x, View y) {
  same_shape("relu_forward", x, y);
  reference::relu_forward<float>(Input(x), Output(y));
}

void ReferenceBackend::relu_backward(ConstView dy, ConstView y, View dx) {
  same_shape("relu_backward", dy, y);
  same_shape("relu_backward", dy, dx);
  reference::relu_backward<float>(Input(dy), Input(y), Output(dx));
}

void ReferenceBackend::max_pool2d_forward(const Pool2dSpec& spec, ConstView x, View y, std::uint8_t* index) {
  check_pool("max_pool2d_forward", spec, x, y);
  check_kernel("max_pool2d_forward", spec);
  reference::max_pool2d_forward<float>(spec, Input(x), Output(y), index);
}

void ReferenceBackend::max_pool2d_backward(const Pool2dSpec& spec, ConstView dy, const std::uint8_t* index,
                                           View dx) {
  check_pool("max_pool2d_backward", spec, dx, dy);
  reference::max_pool2d_backward<float>(spec, Input(dy), index, Output(dx));
}

void ReferenceBackend::avg_pool2d_forward(const Pool2dSpec& spec, ConstView x, View y) {
  check_pool("avg_pool2d_forward", spec, x, y);
  reference::avg_pool2d_forward<float>(spec, Input(x), Output(y));
}

void ReferenceBackend::avg_pool2d_backward(const Pool2dSpec& spec, ConstView dy, View dx) {
  check_pool("avg_pool2d_backward", spec, dx, dy);
  reference::avg_pool2d_backward<float>(spec, Input(dy), Output(dx));
}

void ReferenceBackend::global_avg_pool_forward(ConstView x, View y) {
  require(y.pixels() == x.n && x.c == y.c && x.h * x.w > 0, "global_avg_pool_forward", x, y);
  reference::global_avg_pool_forward<float>(Input(x), Output(y));
}

void ReferenceBackend::global_avg_pool_backward(ConstView dy, View dx) {
  require(dy.pixels() == dx.n && dx.c == dy.c, "global_avg_pool_backward", dy, dx);
  reference::global_avg_pool_backward<float>(Input(dy), Output(dx));
}

void ReferenceBackend::norm_relu_pool_forward(const BatchNormSpec& norm, const Pool2dSpec& pool, ConstView x,
                                              const float* mean, const float* var, const float* gamma,
                                              const float* beta, View y, std::uint8_t* index) {
  check_pool("norm_relu_pool_forward", pool, x, y);
  check_kernel("norm_relu_pool_forward", pool);
  reference::norm_relu_pool_forward<float>(norm, pool, Input(x), mean, var, gamma, beta, Output(y), index);
}

void ReferenceBackend::norm_relu_pool_backward_reduce(const BatchNormSpec& norm, const Pool2dSpec& pool,
                                                      ConstView dy, const std::uint8_t* index, ConstView x,
                                                      const float* mean, const float* var, float* sum_g,
                                                      float* sum_g_xhat) {
  check_pool("norm_relu_pool_backward_reduce", pool, x, dy);
  reference::norm_relu_pool_backward_reduce<float>(norm, pool, Input(dy), index, Input(x), mean, var, sum_g,
                                                   sum_g_xhat);
}

void ReferenceBackend::norm_relu_pool_backward_apply(const BatchNormSpec& norm, const Pool2dSpec& pool,
                                                     ConstView dy, const std::uint8_t* index, ConstView x,
                                                     const float* mean, const float* var, const float* gamma,
                                                     const float* sum_g, const float* sum_g_xhat, View dx) {
  check_pool("norm_relu_pool_backward_apply", pool, dx, dy);
  same_shape("norm_relu_pool_backward_apply", dx, x);
  reference::norm_relu_pool_backward_apply<float>(norm, pool, Input(dy), index, Input(x), mean, var, gamma,
                                                  sum_g, sum_g_xhat, Output(dx));
}

void ReferenceBackend::dropout(ConstView x, float p, std::uint32_t layer, const StepState* state, View y) {
  same_shape("dropout", x, y);
  if (!(p >= 0.0f && p < 1.0f)) throw Error("dropout: p is " + std::to_string(p) + "; use 0 <= p < 1");
  reference::dropout<float>(Input(x), p, layer, *state, Output(y));
}

void ReferenceBackend::copy(ConstView x, View y, Into into) {
  same_shape("copy", x, y);
  reference::copy<float>(Input(x), Output(y), into);
}

void ReferenceBackend::add(ConstView a, ConstView b, View y) {
  same_shape("add", a, b);
  same_shape("add", a, y);
  reference::add<float>(Input(a), Input(b), Output(y));
}

void ReferenceBackend::flatten_forward(ConstView x, View y) {
  require(y.pixels() == x.n && y.c == x.c * x.h * x.w, "flatten_forward", x, y);
  reference::flatten_forward<float>(Input(x), Output(y));
}

void ReferenceBackend::flatten_backward(ConstView dy, View dx) {
  require(dy.pixels() == dx.n && dy.c == dx.c * dx.h * dx.w, "flatten_backward", dy, dx);
  reference::flatten_backward<float>(Input(dy), Output(dx));
}

void ReferenceBackend::shortcut_a_forward(ConstView x, View y) {
  require(x.n == y.n && y.h == (x.h + 1) / 2 && y.w == (x.w + 1) / 2 && x.c <= y.c, "shortcut_a_forward", x,
          y);
  reference::shortcut_a_forward<float>(Input(x), Output(y));
}

void ReferenceBackend::shortcut_a_backward(ConstView dy, View dx) {
  require(dx.n == dy.n && dy.h == (dx.h + 1) / 2 && dy.w == (dx.w + 1) / 2 && dx.c <= dy.c,
          "shortcut_a_backward", dy, dx);
  reference::shortcut_a_backward<float>(Input(dy), Output(dx));
}

void ReferenceBackend::softmax_cross_entropy(std::int64_t n, std::int64_t k, const float* logits,
                                             const float* targets, const float* normalizer, float* row_loss,
                                             float* loss, float* dlogits) {
  reference::softmax_cross_entropy<float>(n, k, logits, targets, normalizer, row_loss, loss, dlogits);
}

void ReferenceBackend::binary_cross_entropy_with_logits(std::int64_t n, std::int64_t k, const float* logits,
                                                        const float* targets, const float* weights,
                                                        const float* normalizer, float* row_loss, float* loss,
                                                        float* dlogits) {
  reference::binary_cross_entropy_with_logits<float>(n, k, logits, targets, weights, normalizer, row_loss,
                                                     loss, dlogits);
}

void ReferenceBackend::gradient_norm(const float* gradient, std::int64_t count, StepState* state) {
  reference::gradient_norm<float>(gradient, count, *state);
}

void ReferenceBackend::sgd_step(const SgdSpec& spec, const ArenaSegment* segments, std::int64_t segment_count,
                                const StepState* state, const float* gradient, float* weight, float* velocity,
                                bf16* low_precision) {
  if (spec.momentum != 0.0f && velocity == nullptr) throw Error("sgd_step: momentum without velocity");
  reference::sgd_step<float>(spec, segments, segment_count, *state, gradient, weight, velocity);
  round_segments(segments, segment_count, *state, weight, low_precision);
}

void ReferenceBackend::adamw_step(const AdamWSpec& spec, const ArenaSegment* segments,
                                  std::int64_t segment_count, const StepState* state, const float* gradient,
                                  float* weight, float* m, float* v, bf16* low_precision) {
  reference::adamw_step<float>(spec, segments, segment_count, *state, gradient, weight, m, v);
  round_segments(segments, segment_count, *state, weight, low_precision);
}

}  // namespace thaw::reference
