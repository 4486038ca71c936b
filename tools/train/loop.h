// The training of one epoch: batch -> input -> network -> loss -> gradients -> optimizer.
#pragma once

#include <functional>
#include <vector>

#include "optim/schedule.h"
#include "tools/report/metrics_log.h"
#include "tools/train/state.h"
#include "tools/train/step.h"

namespace thaw {

struct TrainingSettings {
  Schedule schedule;  // in epochs
  float label_smoothing = 0;
  std::vector<float> class_weights;  // empty: all 1
  float max_norm = 0;                // of the gradient; 0: no limit
  std::uint64_t seed = 0;
  int epochs = 1;                       // for messages
  const PrefixCache* prefix = nullptr;  // must outlive the loop
};

class TrainingLoop {
 public:
  // All must outlive the loop; the session is planned, the optimizer planned on its arenas.
  TrainingLoop(Session& session, Optimizer& optimizer, Loader& loader, TrainingSettings settings);

  // Trains the rest of the epoch that `position` stands in and fills the training part of `metrics`; the
  // caller validates and then calls position.next_epoch(). After each batch but the last `stop` is asked;
  // when it says true, returns false with `position` in mid-epoch. Throws NotFinite when loss or gradients
  // are not finite: the network is then no good and must not be saved.
  bool run_epoch(TrainingPosition& position, EpochMetrics& metrics, const std::function<bool()>& stop);

 private:
  double rate(const TrainingPosition& position, std::int64_t batch) const;
  void read_staged(Batch& batch);
  void start(const TrainingPosition& position);
  void finish(const Batch& batch, TrainingPosition& position);

  Session* session_;
  Loader* loader_;
  TrainingSettings settings_;
  TrainingStep step_;
};

// Weights N / (K * count) of K classes: rare ones weigh more, the mean over the images is 1 (scikit-learn's
// "balanced").
std::vector<float> balanced_weights(const std::vector<std::int64_t>& counts);

}  // namespace thaw
