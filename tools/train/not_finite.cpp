#include "tools/train/not_finite.h"

#include <algorithm>
#include <cmath>

#include "optim/step_control.h"
#include "tools/evaluate/evaluate_model.h"
#include "tools/network/image_input.h"

namespace thaw {
namespace {

bool finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

}  // namespace

std::string where_it_began(Session& session, const Batch& batch, const PrefixCache* prefix,
                           const StepState& state) {
  Network& network = *session.network;
  for (const Parameter* p : network.parameters())
    if (!finite(to_contiguous(p->value))) return "the weights of " + p->name.substr(0, p->name.rfind('.'));
  StepControl control(*session.backend);
  control.begin(state);
  const Mode mode = Mode::train(control.device());
  const Tensor numbers = batch.features.defined() ? batch.features.to(*session.backend) : Tensor();
  const std::size_t first = prefix != nullptr ? prefix->stages() : 0;
  const ImageInput input(*session.backend, session.description.preprocess, session.activations);
  Variable x = prefix != nullptr ? Variable(prefix->batch(batch.indices).to(*session.backend))
                                 : input(batch.images, batch.flips);
  for (std::size_t i = first; i < network.stages().size(); ++i) {
    x = network.run(x, i, i + 1, mode, numbers);
    if (!finite(host_rows(x))) return "the output of " + network.stages()[i].name;
  }
  return "the gradient";
}

}  // namespace thaw
