// Training with the next batch uploaded while the device is at a step, on streams that run as late and in as
// odd an order as they may.
#include <doctest/doctest.h>

#include "kernels/philox.h"
#include "models/registry.h"
#include "models/weights/initialize.h"
#include "tests/simt/runtime.h"
#include "tools/train/step.h"

namespace thaw {
namespace {

constexpr std::uint64_t steps = 7;

// Noise of its own for each step; the second batch is smaller.
Batch batch_of(std::uint64_t step) {
  const std::int64_t n = step == 1 ? 2 : 3;
  Batch batch;
  PhiloxStream noise(1, Purpose::test, 0, step);
  batch.images = Tensor::empty_host({n, 3, 8, 8}, DType::u8);
  for (std::int64_t i = 0; i < batch.images.elements(); ++i)
    batch.images.as<std::uint8_t>()[i] = static_cast<std::uint8_t>(noise.bits());
  for (std::int64_t i = 0; i < n; ++i) {
    batch.labels.push_back(static_cast<int>(noise.below(4)));
    batch.flips.push_back(static_cast<std::uint8_t>(noise.below(2)));
  }
  return batch;
}

enum class Uploads { before, ahead };  // before the step; while the step before it has only been queued

struct Run {
  std::vector<StepResult> results;
  std::vector<float> values;
  std::vector<std::uint64_t> allocations;  // of the device and of page-locked memory, until after each step
};

Run train(Uploads uploads, bool record, simt::Streams streams, std::uint64_t seed = 1) {
  Session session;
  session.backend = make_cuda_backend();
  session.description.model = "resnet20";
  session.description.options.num_classes = 4;
  session.network = make_network("resnet20", session.description.options);
  session.description.preprocess = default_preprocess(*session.network);
  initialize(*session.network, 1);
  session.plan();
  const auto optimizer = make_optimizer("sgd", {.momentum = 0.9f});
  optimizer->plan(session.arenas);
  simt::set_streams(streams, seed);
  Run run;
  {
    TrainingStep step(session, *optimizer, {.label_smoothing = 0.0f, .class_weights = {}, .record = record});
    if (uploads == Uploads::ahead) step.stage(batch_of(0));
    for (std::uint64_t i = 0; i < steps; ++i) {
      if (uploads == Uploads::before) step.stage(batch_of(i));
      step.start({.step = i, .lr = 0.01f});
      if (uploads == Uploads::ahead && i + 1 < steps) step.stage(batch_of(i + 1));
      run.results.push_back(step.finish());
      run.allocations.push_back(simt::Runtime::instance().allocations);
    }
    run.values = to_contiguous(session.arenas.values());
  }
  simt::use_environment();
  CHECK(simt::take_fault() == "");
  return run;
}

void check_same(const Run& run, const Run& expected) {
  for (std::size_t i = 0; i < steps; ++i) {
    CAPTURE(i);
    CHECK(run.results[i].loss == expected.results[i].loss);
    CHECK(run.results[i].logits == expected.results[i].logits);
  }
  CHECK(run.values == expected.values);
}

TEST_CASE("every step trains on its own batch, whichever stream runs first") {
  const Run expected = train(Uploads::before, false, simt::Streams::eager);
  for (std::size_t i = 1; i < steps; ++i) CHECK(expected.results[i].loss != expected.results[i - 1].loss);
  for (const bool record : {false, true}) {
    CAPTURE(record);
    check_same(train(Uploads::ahead, record, simt::Streams::lazy), expected);
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      CAPTURE(seed);
      check_same(train(Uploads::ahead, record, simt::Streams::random, seed), expected);
    }
  }
}

TEST_CASE("a steady training step allocates neither device memory nor page-locked memory") {
  for (const bool record : {false, true}) {
    CAPTURE(record);
    const Run run = train(Uploads::ahead, record, simt::Streams::lazy);
    CHECK(run.allocations[0] > 0);
    // The third step, the second of its size, is the one that is recorded.
    for (std::size_t i = 3; i < steps; ++i) CHECK(run.allocations[i] == run.allocations[2]);
  }
}

}  // namespace
}  // namespace thaw
