// train_state.safetensors: everything a run needs to go on as if it had never stopped.
#pragma once

#include <string>

#include "optim/range_test.h"
#include "optim/schedule.h"
#include "tensor/state_dict.h"
#include "tools/network/model_description.h"
#include "tools/report/metrics_log.h"
#include "tools/train/given_options.h"

namespace thaw {

struct TrainingPosition {
  int epochs_done = 0;
  std::int64_t batches_done = 0;  // of the epoch under way
  std::uint64_t step = 0;         // optimizer steps since the start
  // Sums over the images of the epoch under way.
  double loss_sum = 0;
  std::int64_t right = 0, images = 0;
  // The best epoch so far by validation accuracy (balanced accuracy: TrainOptions::balanced); 0: none yet.
  int best_epoch = 0;
  double best_accuracy = -1;
  Plateau plateau;

  void next_epoch();
};

struct TrainState {
  GivenOptions options;     // the command line
  std::string fingerprint;  // of the data: classes, names, contents
  ModelDescription description;
  TrainingPosition position;
  std::vector<EpochMetrics> epochs;  // those done: 1 to position.epochs_done
  std::vector<std::string> notes;    // Session::notes, of the weights that the run began with
  RangeTest range_test;              // of --lr find
  StateDict model, optimizer;
  std::uint64_t best_weights = 0;  // hash_state_dict of those of the best epoch, if there is one
  Tensor best_logits;              // f32 [validation cases, outputs] of the best epoch; undefined: none
};

// Crash-safe. Throws Error when it cannot be written.
void write_train_state(const std::string& path, const TrainState& state);
// Throws Error when the file is damaged or not a training state.
TrainState read_train_state(const std::string& path);

}  // namespace thaw
