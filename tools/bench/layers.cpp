#include "tools/bench/layers.h"

#include <algorithm>
#include <tuple>

#include "kernels/counting_backend.h"
#include "models/registry.h"

namespace thaw::bench {
namespace {

auto key_of(const ConvolutionLayer& l) {
  const Conv2dSpec& s = l.spec;
  return std::tuple(s.in, s.out, s.kernel_h, s.kernel_w, s.stride, s.padding, s.dilation, s.groups, l.height,
                    l.width, l.pictures);
}

auto key_of(const NormLayer& l) {
  return std::tuple(l.height, l.width, l.channels);
}

template <class Layer>
void count(std::vector<Layer>& layers, Layer layer) {
  const auto known = std::find_if(layers.begin(), layers.end(),
                                  [&](const Layer& other) { return key_of(other) == key_of(layer); });
  if (known == layers.end())
    layers.push_back(layer);
  else
    ++known->count;
}

class RecordingBackend final : public CountingBackend {
 public:
  Layers layers;

  using CountingBackend::run;
  void run(const Conv2dForward& op) override {
    count(layers.convolutions, {op.spec, op.x.h, op.x.w, layers.convolutions.empty(), 1});
  }
  void run(const BatchNormApply& op) override { count(layers.norms, {op.x.h, op.x.w, op.x.c, 1}); }
};

}  // namespace

Layers layers_of(const std::string& model, const NetworkOptions& options, std::int64_t size) {
  RecordingBackend backend;
  const auto network = make_network(model, options);
  network->to(backend);
  const ParameterArenas arenas(backend, network->parameters(), DType::f32);
  const StepState step;  // nothing is computed from it
  const Tensor pictures = Tensor::empty(backend, {2, network->in_channels(), size, size});  // BatchNorm: two
  network->forward(Variable(pictures), Mode::train(&step));
  return std::move(backend.layers);
}

}  // namespace thaw::bench
