#include "tools/train/step.h"

#include <utility>

#include "layers/losses.h"
#include "tools/cost/picture_memory.h"

namespace thaw {
namespace {

// BatchNorm in training needs two values.
PictureMemory training_memory(const Session& session) {
  const auto prepare = [](Session& counted) -> BatchPass {
    const std::shared_ptr<Optimizer> optimizer = make_optimizer("sgd", {.momentum = 0.0f});
    optimizer->plan(counted.arenas);
    return [&counted, optimizer](const Batch& batch) {
      TrainingStep step(counted, *optimizer, {.label_smoothing = 0.0f, .class_weights = {}, .record = false});
      step.run(batch, {});
    };
  };
  return picture_memory(session, prepare, 2);
}

}  // namespace

struct TrainingStep::Shape {
  Tensor images;                       // u8 [N*V,C,H,W]
  Tensor flips;                        // u8 [N*V]
  Tensor cached;                       // where the step has a prefix cache, instead of the two above
  Tensor numbers;                      // f32 [N,F], a case's features; undefined where F is 0
  Tensor targets;                      // f32 [N,K]
  Tensor weights;                      // f32 [N,1] of the rows; only for K = 1
  Tensor normalizer;                   // f32 [1]
  Tensor results;                      // f32 [N * K + 1]: logits and loss
  int host_runs = 0;                   // how often the host has gone through the step
  std::vector<std::uint64_t> counted;  // what one step adds to counters()
  std::unique_ptr<Recording> recording;
};

TrainingStep::TrainingStep(Session& session, Optimizer& optimizer, TrainingStepOptions options)
    : session_(&session),
      optimizer_(&optimizer),
      options_(std::move(options)),
      input_(*session.backend, session.description.preprocess, session.activations),
      control_(*session.backend),
      one_(from_contiguous(std::vector{1.0f}, {1}).to(*session.backend)) {}

TrainingStep::~TrainingStep() = default;

void TrainingStep::forward_and_back(Shape& shape) {
  Backend& backend = *session_->backend;
  ++shape.host_runs;
  session_->arenas.clear_gradients();
  Network& network = *session_->network;
  const Mode mode = Mode::train(control_.device());
  const Variable logits =
      options_.prefix != nullptr
          ? network.run(Variable(shape.cached), options_.prefix->stages(), network.stages().size(), mode,
                        shape.numbers)
          : network.forward(input_.normalized(shape.images, shape.flips.as<std::uint8_t>()), shape.numbers,
                            mode);
  const Loss loss = shape.weights.defined() ? binary_cross_entropy_with_logits(
                                                  logits, shape.targets, shape.weights, shape.normalizer)
                                            : softmax_cross_entropy(logits, shape.targets, shape.normalizer);
  const std::int64_t values = logits.value().elements();
  backend(Copy{.x = logits.value().view(), .y = shape.results.slot(0, logits.value().shape()).view()});
  backend(Copy{.x = loss.loss.value().view(), .y = shape.results.slot(values, {1}).view()});
  backward(loss.loss, one_);
  optimizer_->step(control_);
}

// A replay does not look at what a step on the host would make anew: folded weights, and which gradients it
// takes.
void TrainingStep::drop_recordings_of_old_values() {
  if (marks() == marks_) return;
  for (auto& [cases, shape] : shapes_) {
    shape->recording.reset();
    shape->host_runs = 0;
  }
}

// The first step of a size builds what is kept (plans, folded weights), the second one is recorded.
void TrainingStep::repeat(Shape& shape) {
  if (!options_.record || shape.host_runs == 0) return forward_and_back(shape);
  if (shape.recording == nullptr) {
    const std::vector<std::uint64_t> before = counters();
    shape.recording = session_->backend->record([this, &shape] { forward_and_back(shape); });
    shape.counted = counters();
    for (std::size_t i = 0; i < before.size(); ++i) shape.counted[i] -= before[i];
    return;
  }
  const int before = shape.host_runs;
  shape.recording->replay();
  if (shape.host_runs == before) advance_counters(shape.counted);
}

void TrainingStep::within_memory(std::int64_t cases, const std::function<void()>& action) {
  try {
    action();
  } catch (const OutOfMemory& error) {
    shapes_.erase(cases);
    staged_ = started_ = nullptr;
    // From a prefix cache only a part of the network runs, which the failed step alone tells of.
    const PictureMemory counted = options_.prefix == nullptr ? training_memory(*session_) : PictureMemory{};
    throw too_large_batch(error, counted, bytes_before_, cases);
  }
}

void TrainingStep::stage(const Batch& batch) {
  bytes_before_ = session_->backend->bytes_in_use();
  within_memory(batch.size(), [&] { upload(batch); });
}

void TrainingStep::start(const StepState& state) {
  check(staged_ != nullptr, "training step: start() without a staged batch");
  started_ = std::exchange(staged_, nullptr);
  within_memory(started_->targets.shape()[0], [&] {
    control_.begin(state);
    drop_recordings_of_old_values();
    repeat(*started_);
    marks_ = marks();
  });
}

StepResult TrainingStep::finish() {
  check(started_ != nullptr, "training step: finish() without a step that was started");
  StepResult result;
  result.logits = to_contiguous(std::exchange(started_, nullptr)->results);
  result.loss = result.logits.back();
  result.logits.pop_back();
  result.state = control_.read();
  return result;
}

StepResult TrainingStep::run(const Batch& batch, const StepState& state) {
  stage(batch);
  start(state);
  return finish();
}

void TrainingStep::upload(const Batch& batch) {
  if (batch.labels.empty()) throw Error("training step: a batch without cases; leave it out");
  if (options_.prefix == nullptr) {
    if (!batch.images.defined())
      throw Error("training step: a batch without pictures; read it with a Loader");
    if (static_cast<std::int64_t>(batch.flips.size()) != batch.images.shape()[0])
      throw Error("training step: " + std::to_string(batch.flips.size()) + " flips for " +
                  std::to_string(batch.images.shape()[0]) + " pictures; give one for each");
  }
  Backend& backend = *session_->backend;
  const std::int64_t n = batch.size(), classes = session_->network->num_classes();
  const bool binary = classes == 1;
  const Tensor targets =
      binary ? binary_targets(batch.labels, options_.label_smoothing)
             : label_targets(batch.labels, classes, options_.label_smoothing, options_.class_weights);
  const float divisor = label_normalizer(batch.labels, options_.class_weights);
  Tensor cached;
  if (options_.prefix != nullptr) cached = options_.prefix->batch(batch.indices);
  std::unique_ptr<Shape>& shape = shapes_[n];
  if (shape == nullptr) {
    shape = std::make_unique<Shape>();
    if (cached.defined()) {
      shape->cached = Tensor::empty(backend, cached.shape(), cached.dtype());
    } else {
      shape->images = Tensor::empty(backend, batch.images.shape(), DType::u8);
      shape->flips = Tensor::empty(backend, {batch.images.shape()[0]}, DType::u8);
    }
    if (batch.features.defined()) shape->numbers = Tensor::empty(backend, batch.features.shape());
    if (binary) shape->weights = Tensor::empty(backend, {n, 1});
    shape->targets = Tensor::empty(backend, targets.shape());
    shape->normalizer = Tensor::empty(backend, {1});
    shape->results = Tensor::empty(backend, {n * classes + 1});
  }
  if (cached.defined()) {
    shape->cached.copy_from(cached);
  } else {
    shape->images.copy_from(batch.images);
    backend.upload(shape->flips.data(), batch.flips.data(), batch.flips.size());
  }
  if (shape->numbers.defined()) shape->numbers.copy_from(batch.features);
  shape->targets.copy_from(targets);
  if (binary) shape->weights.copy_from(binary_weights(batch.labels, options_.class_weights));
  backend.upload(shape->normalizer.data(), &divisor, sizeof divisor);
  staged_ = shape.get();
}

// Versions and batch counts lie in host memory, where a replay on a device does not reach.
std::vector<std::uint64_t> TrainingStep::counters() const {
  std::vector<std::uint64_t> values;
  session_->network->visit([&](Module& m) {
    for (const Parameter* p : m.own_parameters()) values.push_back(p->version);
    for (const Buffer* b : m.own_buffers()) values.push_back(b->version);
  });
  return values;
}

// What a recording depends on beside addresses: counters, and what is frozen.
std::vector<std::uint64_t> TrainingStep::marks() const {
  std::vector<std::uint64_t> values = counters();
  session_->network->visit([&](Module& m) {
    for (const Parameter* p : m.own_parameters()) values.push_back(p->wants_gradient() ? 1 : 0);
    values.push_back(m.moves_buffers(Mode::train()) ? 1 : 0);
  });
  return values;
}

void TrainingStep::advance_counters(const std::vector<std::uint64_t>& by) {
  auto next = by.begin();
  session_->network->visit([&](Module& m) {
    for (Parameter* p : m.own_parameters()) p->version += *next++;
    for (Buffer* b : m.own_buffers()) {
      // num_batches_tracked lies in host memory, too.
      if (b->value.dtype() == DType::i64) *b->value.as<std::int64_t>() += static_cast<std::int64_t>(*next);
      b->version += *next++;
    }
  });
}

}  // namespace thaw
