// One training step of a session (of one logit: binary cross-entropy, else softmax cross-entropy): pictures
// -> network -> loss -> gradients -> optimizer, and what it says afterwards. On a device whose backend
// records, the step of each batch size is recorded once and replayed: all that changes between steps lies in
// memory that is written before it. The next batch is uploaded while the device is at a step:
//
//   stage(first); start(state); stage(second); finish(); start(state); stage(third); ...
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "io/data/loader.h"
#include "optim/optimizer.h"
#include "tools/network/image_input.h"
#include "tools/network/session.h"
#include "tools/train/prefix_cache.h"

namespace thaw {

struct TrainingStepOptions {
  float label_smoothing = 0;
  std::vector<float> class_weights;     // empty: all 1
  bool record = true;                   // false: every step is queued op by op
  const PrefixCache* prefix = nullptr;  // null: batches hold pictures; else only their samples are read
};

struct StepResult {
  float loss = 0;
  StepState state;            // grad_norm, clip and skip as the optimizer left them
  std::vector<float> logits;  // [N,K], row after row
};

class TrainingStep {
 public:
  // The session is planned, the optimizer planned on its arenas; both must outlive the step. Weights,
  // statistics and freezing may change outside of it: then recordings are dropped, and what was made from the
  // old values is made anew. Where they lie must not change: make another step after planning anew.
  TrainingStep(Session& session, Optimizer& optimizer, TrainingStepOptions options);
  ~TrainingStep();
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  // Uploads the batch of the next step; `batch` may change on return. Throws Error on a label outside the
  // network's classes (one logit has two), and where the device has no memory for the batch: it names a batch
  // size that would fit.
  void stage(const Batch& batch);
  // Queues training on the staged batch: `state` gives step, seed, lr and max_norm. Values stay as they are
  // where the gradient is not finite (StepResult::state.skip). Throws Error for want of memory as stage().
  void start(const StepState& state);
  // Waits for the step that was started, and answers what it gave. Before the next start().
  StepResult finish();
  StepResult run(const Batch& batch, const StepState& state);  // all three

 private:
  struct Shape;  // what belongs to one size of the batch

  void upload(const Batch& batch);
  void within_memory(std::int64_t cases, const std::function<void()>& action);
  void forward_and_back(Shape& shape);
  void repeat(Shape& shape);
  void drop_recordings_of_old_values();
  std::vector<std::uint64_t> counters() const;
  std::vector<std::uint64_t> marks() const;
  void advance_counters(const std::vector<std::uint64_t>& by);

  Session* session_;
  Optimizer* optimizer_;
  TrainingStepOptions options_;
  ImageInput input_;
  StepControl control_;
  Tensor one_;                                             // f32 [1]: the gradient of the loss
  std::map<std::int64_t, std::unique_ptr<Shape>> shapes_;  // by number of cases
  Shape* staged_ = nullptr;
  Shape* started_ = nullptr;
  std::vector<std::uint64_t> marks_;  // after the last step
  std::size_t bytes_before_ = 0;      // in use when the staged batch came
};

}  // namespace thaw
