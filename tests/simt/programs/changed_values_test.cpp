// Values of frozen layers that change between the steps of a recorded training: a replay must train on them.
#include <doctest/doctest.h>

#include "models/freeze/plan.h"
#include "models/registry.h"
#include "models/weights/initialize.h"
#include "tests/simt/simt.h"
#include "tools/bench/step.h"
#include "tools/train/step.h"

namespace thaw {
namespace {

constexpr std::uint64_t steps = 8;

Batch batch_of(std::int64_t cases) {
  Batch batch;
  PhiloxStream noise(1, Purpose::test, 0, 0);
  batch.images = Tensor::empty_host({cases, 3, 8, 8}, DType::u8);
  for (std::int64_t i = 0; i < batch.images.elements(); ++i)
    batch.images.as<std::uint8_t>()[i] = static_cast<std::uint8_t>(noise.bits());
  for (std::int64_t i = 0; i < cases; ++i) {
    batch.labels.push_back(static_cast<int>(noise.below(4)));
    batch.flips.push_back(0);
  }
  return batch;
}

// Doubles the first frozen weights.
void change_frozen(Session& session) {
  Parameter& frozen = *session.arenas.frozen().front();
  std::vector<float> values = to_contiguous(frozen.value);
  for (float& v : values) v *= 2.0f;
  frozen.value.copy_from(from_contiguous(values, frozen.value.shape()));
  ++frozen.version;
}

struct Run {
  std::vector<float> losses, values;
};

// Trains on batches of two sizes in turn; before step 5 frozen weights change.
Run train(std::unique_ptr<Backend> backend, bool record) {
  Session session;
  session.backend = std::move(backend);
  session.description.model = "resnet20";
  session.description.options.num_classes = 4;
  session.network = make_network("resnet20", session.description.options);
  session.description.preprocess = default_preprocess(*session.network);
  initialize(*session.network, 1);
  apply_freeze_plan(*session.network, "upto:layer2");
  session.plan();
  const auto optimizer = make_optimizer("sgd", {.momentum = 0.9f});
  optimizer->plan(session.arenas);
  Run run;
  {
    TrainingStep step(session, *optimizer, {.label_smoothing = 0.0f, .class_weights = {}, .record = record});
    for (std::uint64_t i = 0; i < steps; ++i) {
      if (i == 5) change_frozen(session);
      run.losses.push_back(step.run(batch_of(i % 2 == 0 ? 3 : 2), {.step = i, .lr = 0.01f}).loss);
    }
    run.values = to_contiguous(session.arenas.values());
  }
  session.arenas = ParameterArenas();
  session.network.reset();
  return run;
}

TEST_CASE("a recorded training goes on with frozen weights that were changed outside of it") {
  const auto check_device = [](auto make) {
    const Run queued = train(make(), false), recorded = train(make(), true);
    CHECK(recorded.losses == queued.losses);
    CHECK(recorded.values == queued.values);
    CHECK(queued.losses[6] != queued.losses[4]);
  };
  check_device([] { return make_cuda_backend(); });
  check_device([] { return make_cpu_backend(1); });
  CHECK(simt::take_fault() == "");
}

TEST_CASE("bench's steps run on a device that records") {
  const auto backend = make_cuda_backend();
  const bench::StepTimes times = bench::time_steps(
      *backend, {.model = "resnet20", .freeze = "none", .batch = 2, .input_size = 8, .repeats = 2});
  CHECK(times.train_seconds > 0.0);
  CHECK(times.inference_seconds > 0.0);
  CHECK(simt::take_fault() == "");
}

}  // namespace
}  // namespace thaw
