#include "tools/cost/network_cost.h"

#include "kernels/counting_backend.h"
#include "models/freeze/plan.h"
#include "models/registry.h"

namespace thaw {

namespace {

struct Totals {
  double forward = 0.0, backward = 0.0, saved = 0.0;
};

// Of the stages [0, end).
Totals totals(CountingBackend& backend, Network& network, std::int64_t cases, std::int64_t size,
              std::size_t end) {
  const StepState step;  // nothing is computed from it
  Totals sum;
  const double before = backend.flops();
  Variable output;
  Tensor gradient;
  const Tensor features =
      network.features() > 0 ? Tensor::empty(backend, {cases, network.features()}) : Tensor();
  const std::size_t memory = backend.bytes_in_use();
  {
    const Tensor x = Tensor::empty(backend, {cases * network.views(), network.in_channels(), size, size});
    const Variable y = network.run(Variable(x), 0, end, Mode::train(&step), features);
    output = y.edge();
    if (output.defined()) gradient = Tensor::empty(backend, y.value().shape());
  }
  sum.forward = backend.flops() - before;
  if (!output.defined()) return sum;
  sum.saved = static_cast<double>(backend.bytes_in_use() - gradient.bytes() - memory);
  backward(output, std::move(gradient));
  sum.backward = backend.flops() - before - sum.forward;
  return sum;
}

}  // namespace

std::vector<StageCost> stage_costs(const std::string& name, const NetworkOptions& options,
                                   const std::string& freeze, std::int64_t size, BatchNormPolicy bn) {
  CountingBackend backend;
  const auto network = make_network(name, options);
  apply_freeze_plan(*network, freeze);
  set_batch_norm_policy(*network, bn);
  network->to(backend);
  const ParameterArenas arenas(backend, network->parameters(), DType::f32);
  constexpr std::int64_t cases = 2;  // BatchNorm needs more than one value
  // Folded weights are made once and kept; they are no activations.
  totals(backend, *network, cases, size, network->stages().size());
  std::vector<StageCost> costs;
  Totals last;
  for (std::size_t i = 0; i < network->stages().size(); ++i) {
    const Totals now = totals(backend, *network, cases, size, i + 1);
    costs.push_back({(now.forward - last.forward) / cases, (now.backward - last.backward) / cases,
                     (now.saved - last.saved) / cases});
    last = now;
  }
  return costs;
}

StageCost sum_of(const std::vector<StageCost>& costs) {
  StageCost sum;
  for (const StageCost& c : costs) {
    sum.forward_flops += c.forward_flops;
    sum.backward_flops += c.backward_flops;
    sum.saved_bytes += c.saved_bytes;
  }
  return sum;
}

}  // namespace thaw
