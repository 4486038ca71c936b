#include "tests/simt/deviceless/model_graphs.h"

#include <algorithm>
#include <tuple>

#include "kernels/counting_backend.h"
#include "kernels/cuda/space_to_depth.h"
#include "models/registry.h"

namespace thaw::deviceless {
namespace {

using cuda::ConvolutionKind;

auto key_of(const ConvolutionGraph& g) {
  const Conv2dSpec& s = g.spec;
  return std::tuple(g.kind, s.in, s.out, s.kernel_h, s.kernel_w, s.stride, s.padding, s.dilation, s.groups,
                    g.x.h, g.x.w, g.x.pitch, g.y.pitch, g.bias, g.residual, g.activation, g.into);
}

class RecordingBackend final : public CountingBackend {
 public:
  std::vector<ConvolutionGraph> graphs;

  using CountingBackend::run;
  void run(const Conv2dForward& op) override {
    keep({ConvolutionKind::forward, op.spec, op.x, op.y, op.bias != nullptr, static_cast<bool>(op.residual),
          op.activation});
  }
  void run(const Conv2dBackwardData& op) override {
    ConvolutionGraph graph{ConvolutionKind::data_gradient, op.spec, op.dx, op.dy};
    graph.into = op.into;
    keep(graph);
  }
  void run(const Conv2dBackwardWeight& op) override {
    keep({ConvolutionKind::weight_gradient, op.spec, op.x, op.dy});
  }

 private:
  void keep(ConvolutionGraph graph) {
    graph.x.data = graph.y.data = nullptr;
    graph.x.n = graph.y.n = 1;
    const bool known = std::any_of(graphs.begin(), graphs.end(),
                                   [&](const ConvolutionGraph& g) { return key_of(g) == key_of(graph); });
    if (!known) graphs.push_back(graph);
  }
};

}  // namespace

std::string ConvolutionGraph::kind_name() const {
  if (kind == ConvolutionKind::data_gradient)
    return into == Into::add ? "data gradient+sum" : "data gradient";
  if (kind == ConvolutionKind::weight_gradient) return "weight gradient";
  return std::string("forward") + (bias ? "+bias" : "") + (residual ? "+residual" : "") +
         (activation == Activation::relu ? "+relu" : "");
}

std::vector<ConvolutionGraph> convolution_graphs(const std::string& model, std::int64_t size) {
  RecordingBackend backend;
  const auto network = make_network(model);
  network->to(backend);
  const ParameterArenas arenas(backend, network->parameters(), DType::f32);
  const auto pictures = [&] {
    return Variable(Tensor::empty(backend, {2, network->in_channels(), size, size}));  // BatchNorm needs two
  };
  const Variable logits = network->forward(pictures(), Mode::train());
  backward(logits, Tensor::empty(backend, logits.value().shape()));
  network->forward(pictures(), Mode::eval());
  return std::move(backend.graphs);
}

cuda::Graph operation_graph(cuda::GraphBuilder& builder, const ConvolutionGraph& graph, DType type,
                            std::int64_t batch) {
  ConstView x = graph.x, y = graph.y, residual;
  x.type = y.type = type;
  x.n = y.n = batch;
  Conv2dSpec spec = graph.spec;
  if (graph.kind != ConvolutionKind::data_gradient && cuda::Squares::fit(spec, type)) {
    const cuda::Squares squares(spec, x, y);
    spec = squares.to;
    x = squares.input_view(nullptr);
  }
  switch (graph.kind) {
    case ConvolutionKind::data_gradient:
      return cuda::data_gradient_graph(builder, spec, x, type, y, graph.into);
    case ConvolutionKind::weight_gradient:
      return cuda::weight_gradient_graph(builder, spec, x, y);
    default:
      if (graph.residual) {
        residual = y;
        residual.data =
            reinterpret_cast<const void*>(std::uintptr_t{256});  // only its alignment is looked at
      }
      return cuda::forward_graph(builder, spec, x, type, graph.bias, residual, graph.activation, y);
  }
}

}  // namespace thaw::deviceless
