// Training on the CUDA backend (the emulator, or a GPU) in step with a host's backend, op by op and recorded.
#include "tools/train/step.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "io/picture/image.h"
#include "io/weights/weights.h"
#include "layers/batch_norm.h"
#include "models/freeze/plan.h"
#include "models/registry.h"
#include "models/weights/initialize.h"
#include "models/weights/load.h"
#include "tests/support/data_directory.h"
#include "tests/support/devices.h"
#include "tools/evaluate/evaluate_model.h"

namespace thaw {
namespace {

namespace fs = std::filesystem;

// What is trained: seeded weights on noise, or the published CIFAR weights on photographs.
struct Subject {
  std::string weights{};  // a file; empty: seeded
  fs::path photographs{};
  std::int64_t size = 16;
  int batch = 3;
  std::string model = "resnet20";
  NetworkOptions options{.num_classes = 10};
};

// The first photograph of as many classes, or noise; every second one is mirrored.
Batch pictures(const Subject& subject) {
  Batch batch;
  const NetworkOptions& options = subject.options;
  const std::int64_t bytes = subject.size * subject.size * options.in_channels,
                     count = subject.batch * options.views;
  batch.images = Tensor::empty_host({count, options.in_channels, subject.size, subject.size}, DType::u8);
  std::vector<fs::path> classes;
  if (!subject.photographs.empty())
    for (const auto& entry : fs::directory_iterator(subject.photographs)) classes.push_back(entry.path());
  std::sort(classes.begin(), classes.end());
  PhiloxStream noise(1, Purpose::test, 0, 0);
  for (int i = 0; i < count; ++i) {
    auto* to = batch.images.as<std::uint8_t>() + i * bytes;
    if (classes.empty()) {
      std::generate(to, to + bytes, [&] { return static_cast<std::uint8_t>(noise.bits()); });
    } else {
      std::vector<fs::path> files;
      for (const auto& entry : fs::directory_iterator(classes.at(static_cast<std::size_t>(i))))
        files.push_back(entry.path());
      const Image image = read_image(std::min_element(files.begin(), files.end())->string(), 3);
      REQUIRE(image.pixels.size() == static_cast<std::size_t>(bytes));
      std::copy(image.pixels.begin(), image.pixels.end(), to);
    }
    batch.flips.push_back(static_cast<std::uint8_t>(i % 2));
  }
  for (int i = 0; i < subject.batch; ++i)
    batch.labels.push_back((i * 7 + 3) % static_cast<int>(options.num_classes));
  if (options.features > 0) {
    batch.features = Tensor::empty_host({subject.batch, options.features});
    for (std::int64_t i = 0; i < batch.features.elements(); ++i)
      batch.features.as<float>()[i] = 2.0f * noise.uniform() - 1.0f;
  }
  return batch;
}

struct Run {
  std::vector<StepResult> results;
  std::vector<std::vector<float>> values;  // all trainable values after each step
  std::vector<float> statistics;           // running means and variances at the end
  std::vector<std::int64_t> counts;        // num_batches_tracked at the end
  std::vector<float> logits;               // in evaluation, at the end
};

constexpr int steps = 5;
constexpr float rate = 0.01f;

Run train(Backend& backend, const Subject& subject, const std::string& freeze, bool record) {
  // The session does not own a backend that the tests share.
  struct Lent {
    explicit Lent(Backend& b) { session.backend.reset(&b); }
    ~Lent() { (void)session.backend.release(); }
    Session session;
  } lent(backend);
  Session& session = lent.session;
  session.network = make_network(subject.model, subject.options);
  initialize(*session.network, 1);
  if (!subject.weights.empty())
    load_weights(*session.network, read_weights(subject.weights).tensors, {.source = subject.weights});
  apply_freeze_plan(*session.network, freeze);
  session.description.preprocess = default_preprocess(*session.network);
  session.plan();
  const auto optimizer = make_optimizer("sgd", {.momentum = 0.9f, .weight_decay = 0.05f});
  optimizer->plan(session.arenas);
  Run run;
  {
    TrainingStep step(session, *optimizer, {.label_smoothing = 0.1f, .class_weights = {}, .record = record});
    const Batch batch = pictures(subject);
    for (int i = 0; i < steps; ++i) {
      // The rate changes: a replay must read it.
      const StepState state{.step = static_cast<std::uint64_t>(i), .lr = rate / static_cast<float>(1 + i)};
      run.results.push_back(step.run(batch, state));
      run.values.push_back(to_contiguous(session.arenas.values()));
    }
    const ImageInput input(backend, session.description.preprocess, DType::f32);
    run.logits = logits_of(*session.network, input(batch.images, batch.flips), batch.features);
  }
  for (const Buffer* buffer : session.network->buffers()) {
    if (buffer->value.dtype() == DType::i64) {
      run.counts.push_back(*buffer->value.as<std::int64_t>());
    } else {
      const std::vector<float> values = to_contiguous(buffer->value);
      run.statistics.insert(run.statistics.end(), values.begin(), values.end());
    }
  }
  session.arenas = ParameterArenas();
  session.network.reset();
  return run;
}

double difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(d <= most)) most = d;  // NaN stays
  }
  return most;
}

// The devices add the same f32 products up in another order. A sum of n terms differs by about sqrt(n) *
// 2^-24 of its size, n up to 576 here: some 1e-6 a layer, and twenty layers and the divisions of BatchNorm
// spread that. Values are below 10, logits and losses below 20; a step moves the values by up to 0.001 ..
// 0.015. Seen: losses 3e-6, logits 1e-5, values 3e-7 and, where a ReLU falls to the other side of 0, 6e-6.
constexpr double loss_bound = 2e-5, logit_bound = 5e-5, value_bound = 2e-5, statistic_bound = 1e-5;
// In evaluation every difference of the weights counts at once. Seen: 8e-5.
constexpr double evaluation_bound = 3e-4;

void compare(const Subject& subject, const std::string& freeze) {
  Backend *host = test::backend_named(test::host_device()), *cuda = test::backend_named("cuda");
  if (cuda == nullptr) {
    MESSAGE("not run: needs a cuda backend");
    return;
  }
  const Run expected = train(*host, subject, freeze, true);
  const Run queued = train(*cuda, subject, freeze, false), replayed = train(*cuda, subject, freeze, true);
  for (std::size_t i = 0; i < steps; ++i) {
    CAPTURE(i);
    const StepResult &e = expected.results[i], &q = queued.results[i], &r = replayed.results[i];
    CHECK(std::abs(double{e.loss} - q.loss) <= loss_bound);
    CHECK(difference(e.logits, q.logits) <= logit_bound);
    CHECK(difference(expected.values[i], queued.values[i]) <= value_bound);
    if (i > 0) CHECK(difference(expected.values[i], expected.values[i - 1]) > 50 * value_bound);
    // The same kernels in the same order: the same bits.
    CHECK(r.loss == q.loss);
    CHECK(r.logits == q.logits);
    CHECK(r.state.grad_norm == q.state.grad_norm);
    CHECK(replayed.values[i] == queued.values[i]);
  }
  CHECK(difference(expected.statistics, queued.statistics) <= statistic_bound);
  CHECK(difference(expected.logits, queued.logits) <= evaluation_bound);
  CHECK(queued.counts == expected.counts);
  CHECK(replayed.statistics == queued.statistics);
  CHECK(replayed.counts == queued.counts);
  CHECK(replayed.logits == queued.logits);  // weights folded anew after the replays
}

TEST_CASE("cpu: a recorded step gives the bits of one that is not") {
  Backend* cpu = test::backend_named("cpu");
  if (cpu == nullptr) {
    MESSAGE("not run: needs a cpu backend");
    return;
  }
  const Run queued = train(*cpu, {}, "none", false), recorded = train(*cpu, {}, "none", true);
  CHECK(recorded.values == queued.values);
  CHECK(recorded.statistics == queued.statistics);
  CHECK(recorded.counts == queued.counts);
  CHECK(recorded.counts.front() == steps);
  CHECK(recorded.logits == queued.logits);
}

TEST_CASE("resnet20: five training steps on cuda equal those on the host, recorded or not") {
  compare({}, "none");
}
TEST_CASE("resnet20 frozen up to layer2: five training steps on cuda equal those on the host") {
  compare({}, "upto:layer2");
}
TEST_CASE("resnet20 with published weights: five training steps on cuda equal those on the host") {
  const fs::path weights = test::data_directory() / "weights" / "akamaster_resnet20-12fca82f.th",
                 photographs = test::data_directory() / "cifar10_png4000" / "train";
  for (const fs::path& needed : {weights, photographs})
    if (!fs::exists(needed)) {
      MESSAGE("not run: " << needed.string() << " is not there");
      return;
    }
  compare({weights.string(), photographs, 32, 3}, "none");
}
TEST_CASE(
    "scratch_cnn with views, features and dropout: five training steps on cuda equal those on the host") {
  // One logit, two labels; of the rows of one batch no two are alike, so BatchNorm1d divides by no small
  // number.
  Subject subject{.size = 64, .batch = 4, .model = "scratch_cnn"};
  subject.options = {.num_classes = 2, .in_channels = 1, .views = 2, .features = 2, .input_size = 64};
  compare(subject, "none");
}

}  // namespace
}  // namespace thaw
