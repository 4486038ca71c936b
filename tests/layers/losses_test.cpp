#include "layers/losses.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/layers/numeric.h"

namespace thaw {
namespace {

Tensor scalar(Backend& backend, float value) {
  return from_contiguous(std::vector<float>{value}, {1}).to(backend);
}

TEST_CASE("losses: label smoothing divides by K, class weights multiply, both in the targets") {
  const Tensor t = label_targets({2, 0}, 4, 0.2f, {1, 1, 3, 2});
  const std::vector<float> expected = {0.05f, 0.05f, 0.85f * 3, 0.1f, 0.85f, 0.05f, 0.15f, 0.1f};
  const std::vector<float> got = to_contiguous(t);
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(got[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  CHECK(label_normalizer({2, 0}, {1, 1, 3, 2}) == 4.0f);
  CHECK(label_normalizer({2, 0}, {}) == 2.0f);
  CHECK_THROWS_AS(label_targets({4}, 4, 0.0f, {}), Error);
}

// torch.nn.CrossEntropyLoss(weight=[1,1,3,2], label_smoothing=0.2)([[1,2,3,4],[0,-1,1,0.5]], [2,0])
// = 1.4672686, from PyTorch 1.13
TEST_CASE("losses: weighted, smoothed cross-entropy and its gradient") {
  for (const auto& backend : test::host_backends()) {
    CAPTURE(backend->name());
    const std::vector<float> z = {1, 2, 3, 4, 0, -1, 1, 0.5f};
    const Variable logits(from_contiguous(z, {2, 4}).to(*backend), true);
    const std::vector<float> weights = {1, 1, 3, 2};
    const Tensor targets = label_targets({2, 0}, 4, 0.2f, weights).to(*backend);
    const Loss loss =
        softmax_cross_entropy(logits, targets, scalar(*backend, label_normalizer({2, 0}, weights)));
    const double value = to_contiguous(loss.loss.value())[0];
    CHECK(value == doctest::Approx(1.4672686).epsilon(1e-6));
    backward(loss.loss);
    const std::vector<float> g = to_contiguous(logits.grad());
    const std::vector<float> expected = {0.0095f,  0.0474f, -0.4746f, 0.4177f,
                                         -0.1624f, 0.0059f, 0.0988f,  0.0577f};
    for (std::size_t i = 0; i < g.size(); ++i) CHECK(std::abs(g[i] - expected[i]) < 6e-5f);
  }
}

TEST_CASE("one logit for two classes: smoothed targets and class weights give what two logits 0 and z do") {
  const auto backend = make_backend("reference");
  const std::vector<int> labels{1, 0, 1};
  const std::vector<float> weights{0.5f, 2.0f}, z{0.3f, -1.2f, 2.0f};
  std::vector<float> both;
  for (const float value : z) both.insert(both.end(), {0.0f, value});
  const Tensor normalizer = from_contiguous(std::vector{label_normalizer(labels, weights)}, {1}).to(*backend);
  const Variable one(from_contiguous(z, {3, 1}).to(*backend), true),
      two(from_contiguous(both, {3, 2}).to(*backend), true);
  const Loss binary =
      binary_cross_entropy_with_logits(one, binary_targets(labels, 0.2f).to(*backend),
                                       binary_weights(labels, weights).to(*backend), normalizer);
  // Class weights multiply the label's whole row here, as torch's BCEWithLogitsLoss(weight=rows) has it.
  Tensor targets = label_targets(labels, 2, 0.2f, {});
  for (std::size_t i = 0; i < 6; ++i)
    targets.as<float>()[i] *= weights[static_cast<std::size_t>(labels[i / 2])];
  const Loss softmax = softmax_cross_entropy(two, targets.to(*backend), normalizer);
  CHECK(to_contiguous(binary.loss.value())[0] ==
        doctest::Approx(to_contiguous(softmax.loss.value())[0]).epsilon(1e-6));
  backward(binary.loss);
  backward(softmax.loss);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(to_contiguous(one.grad())[i] ==
          doctest::Approx(to_contiguous(two.grad())[2 * i + 1]).epsilon(1e-5));
  CHECK_THROWS_WITH_AS(binary_targets({2}, 0.0f), "label 2 is outside 0..1", Error);
}

}  // namespace
}  // namespace thaw
