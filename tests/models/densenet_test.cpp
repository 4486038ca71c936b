// Whole DenseNets in both forms: logits, gradients and running statistics, for ways to freeze that the shared
// statistics between stages must survive.
#include "models/densenet.h"

#include <doctest/doctest.h>

#include "layers/losses.h"
#include "models/freeze/plan.h"
#include "models/registry.h"
#include "models/weights/load.h"
#include "tests/models/formula.h"
#include "tests/support/devices.h"
#include "tests/support/step_results.h"

namespace thaw {
namespace {

struct Plan {
  const char* freeze;
  BatchNormPolicy policy = BatchNormPolicy::automatic;
};

constexpr Plan plans[] = {
    {"none"},
    {"features.denseblock2.denselayer1"},
    {"features[0:5],features.denseblock2[1],features[8]"},
    {"features[0:5],features[8]", BatchNormPolicy::train},
    {"none", BatchNormPolicy::frozen},
};

test::StepResults step(Backend& backend, const Plan& plan, DenseForm form) {
  const auto network = make_network("densenet_bc_16_6", {.num_classes = 3});
  load_weights(*network, test::formula::weights(network->state_dict()));
  apply_freeze_plan(*network, plan.freeze);
  set_batch_norm_policy(*network, plan.policy);
  set_dense_form(*network, form);
  network->to(backend);
  ParameterArenas arenas(backend, network->parameters(), DType::f32);
  arenas.clear_gradients();
  const Shape shape{4, 3, 16, 16};
  const Variable x(
      from_contiguous(test::formula::uniform("input", shape.elements(), 0, 1.75), shape).to(backend));
  const Tensor targets = label_targets(std::vector{0, 1, 2, 0}, 3, 0.0f, {}).to(backend);
  const Tensor normalizer =
      from_contiguous(std::vector{label_normalizer(std::vector{0, 1, 2, 0}, {})}, {1}).to(backend);
  const Variable logits = network->forward(x, Mode::train());
  backward(softmax_cross_entropy(logits, targets, normalizer).loss);
  test::StepResults results;
  results["logits"] = to_contiguous(logits.value());
  for (const Parameter* p : arenas.trainable()) results["d " + p->name] = to_contiguous(p->grad);
  test::add_buffers(results, *network);
  return results;
}

TEST_CASE("densenet: slices equal the plain form from picture to loss and back") {
  for (const auto& backend : test::backends())
    for (const Plan& plan : plans) {
      CAPTURE(backend->name());
      CAPTURE(plan.freeze);
      // f32 sums in another order through some twenty layers.
      test::check_near(step(*backend, plan, DenseForm::slices), step(*backend, plan, DenseForm::concat),
                       1e-4);
    }
}

TEST_CASE("densenet: descriptions") {
  const auto network =
      make_network("densenet:growth=4,blocks=1-2,initial=12,bn_size=2,stem=cifar", {.num_classes = 3});
  const StateDict state = network->state_dict();
  CHECK(state.at("features.conv0.weight").shape() == Shape{12, 3, 3, 3});
  CHECK(state.at("features.denseblock1.denselayer1.conv1.weight").shape() == Shape{8, 12, 1, 1});
  CHECK(state.at("features.transition1.conv.weight").shape() == Shape{8, 16, 1, 1});
  CHECK(state.at("features.denseblock2.denselayer2.conv2.weight").shape() == Shape{4, 8, 3, 3});
  CHECK(state.at("classifier.weight").shape() == Shape{3, 16});
  CHECK(network->input().size == 32);
}

}  // namespace
}  // namespace thaw
