// Every kind of convolution graph that kernels/cuda builds, over the geometries of
// tests/kernels/conv2d_test.cpp: odd channel counts, channel slices, unaligned pointers, groups, dilation.
#include <algorithm>

#include "kernels/cuda/conv2d_graph.h"
#include "kernels/error.h"
#include "tests/simt/deviceless/questions.h"

namespace thaw::deviceless {
namespace {

struct Geometry {
  const char* name;
  Conv2dSpec spec;
  std::int64_t n, h, w, gap;  // gap > 0: channels [gap, gap + c) of a buffer 2 * gap + c wide
};

const std::vector<Geometry>& geometries() {
  static const std::vector<Geometry> all{
      {"1x1 17 to 12", {.in = 17, .out = 12}, 2, 5, 4, 0},
      {"1x1 17 to 12 slices of 3", {.in = 17, .out = 12}, 2, 5, 4, 3},
      {"1x1/2 12 to 17", {.in = 12, .out = 17, .stride = 2}, 1, 7, 6, 0},
      {"3x3 3 to 17", {.in = 3, .out = 17, .kernel_h = 3, .kernel_w = 3, .padding = 1}, 1, 6, 7, 0},
      {"3x3 12 to 17 slices of 5",
       {.in = 12, .out = 17, .kernel_h = 3, .kernel_w = 3, .padding = 1},
       2,
       5,
       5,
       5},
      {"3x3 64 to 32 slices of 16",
       {.in = 64, .out = 32, .kernel_h = 3, .kernel_w = 3, .padding = 1},
       2,
       8,
       8,
       16},
      {"3x3/2 16 to 48",
       {.in = 16, .out = 48, .kernel_h = 3, .kernel_w = 3, .stride = 2, .padding = 1},
       2,
       9,
       8,
       0},
      {"7x7/2 3 to 12",
       {.in = 3, .out = 12, .kernel_h = 7, .kernel_w = 7, .stride = 2, .padding = 3},
       1,
       15,
       13,
       0},
      {"3x3 12 to 15 3 groups slices of 1",
       {.in = 12, .out = 15, .kernel_h = 3, .kernel_w = 3, .padding = 1, .groups = 3},
       2,
       5,
       6,
       1},
      {"3x3 32 to 32 2 groups",
       {.in = 32, .out = 32, .kernel_h = 3, .kernel_w = 3, .padding = 1, .groups = 2},
       2,
       8,
       8,
       0},
      {"3x3 17 depthwise",
       {.in = 17, .out = 17, .kernel_h = 3, .kernel_w = 3, .padding = 1, .groups = 17},
       1,
       6,
       5,
       0},
      {"3x3 32 depthwise",
       {.in = 32, .out = 32, .kernel_h = 3, .kernel_w = 3, .padding = 1, .groups = 32},
       2,
       8,
       8,
       0},
      {"3x3 12 to 8 dilation 2",
       {.in = 12, .out = 8, .kernel_h = 3, .kernel_w = 3, .padding = 2, .dilation = 2},
       1,
       7,
       7,
       0},
      {"1x3 3 to 8", {.in = 3, .out = 8, .kernel_h = 1, .kernel_w = 3}, 2, 4, 6, 0},
  };
  return all;
}

ConstView view(const Geometry& g, DType type, std::int64_t h, std::int64_t w, std::int64_t channels) {
  ConstView v;
  v.type = type;
  v.n = g.n;
  v.h = h;
  v.w = w;
  v.c = channels;
  v.pitch = channels + 2 * g.gap;
  // Only its alignment is looked at.
  v.data = reinterpret_cast<const void*>(std::uintptr_t{256} +
                                         static_cast<std::uintptr_t>(g.gap) * item_size(type));
  return v;
}

// What cuDNN compiles at run time it may propose and then fail to compile; only for bf16 does it propose
// nothing else. A plan that no driver can load here has compiled.
bool compiles(const cuda::Descriptor& configuration, const cuda::Device& device) {
  std::string refusal;
  return cuda::Plan::compile(configuration, device, &refusal) ||
         refusal.find("COMPILATION_FAILED") == std::string::npos;
}

std::string count(const cuda::Graph& graph, const cuda::Device& device, DType type, bool fused) {
  const auto proposed = cuda::engine_configurations(graph, device, cuda::limits_for(type, false));
  const bool any = !fused || type != DType::bf16 ||
                   std::any_of(proposed.begin(), proposed.end(),
                               [&](const cuda::Descriptor& d) { return compiles(d, device); });
  return any ? std::to_string(proposed.size()) : "0";
}

Question forward(const Geometry& g, DType type, bool bias, bool residual, bool relu) {
  const std::string name = std::string(g.name) + " " + dtype_name(type) + " forward" + (bias ? "+bias" : "") +
                           (residual ? "+residual" : "") + (relu ? "+relu" : "");
  return {name,
          [=, spec = g.spec](const cuda::Device& device) {
            const ConstView x = view(g, type, g.h, g.w, spec.in);
            const ConstView y = view(g, type, spec.out_h(g.h), spec.out_w(g.w), spec.out);
            cuda::GraphBuilder builder;
            return count(cuda::forward_graph(builder, spec, x, type, bias, residual ? y : ConstView(),
                                             relu ? Activation::relu : Activation::none, y),
                         device, type, bias || residual || relu);
          },
          true};
}

Question gradient(const Geometry& g, DType type, bool data, Into into = Into::assign) {
  const std::string name = std::string(g.name) + " " + dtype_name(type) +
                           (data ? " data gradient" : " weight gradient") +
                           (into == Into::add ? " added" : "");
  return {name,
          [=, spec = g.spec](const cuda::Device& device) {
            const ConstView x = view(g, type, g.h, g.w, spec.in);
            const ConstView y = view(g, type, spec.out_h(g.h), spec.out_w(g.w), spec.out);
            cuda::GraphBuilder builder;
            return count(data ? cuda::data_gradient_graph(builder, spec, x, type, y, into)
                              : cuda::weight_gradient_graph(builder, spec, x, y),
                         device, type, false);
          },
          true};
}

}  // namespace

std::vector<Question> graph_questions() {
  std::vector<Question> all;
  for (const Geometry& g : geometries())
    for (const DType type : {DType::f32, DType::bf16}) {
      for (const int with : {0, 1, 2, 4, 5, 7})  // bits: bias, residual, ReLU
        all.push_back(forward(g, type, (with & 1) != 0, (with & 2) != 0, (with & 4) != 0));
      all.push_back(gradient(g, type, true));
      all.push_back(gradient(g, type, true, Into::add));
      all.push_back(gradient(g, type, false));
    }
  return all;
}

std::vector<Question> questions() {
  std::vector<Question> all = graph_questions();
  for (Question& question : misuse_questions()) all.push_back(std::move(question));
  return all;
}

}  // namespace thaw::deviceless
