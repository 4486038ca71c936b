// A whole run of train: what it starts from, its epochs, and what it leaves in its output folder.
#pragma once

#include <memory>

#include "models/freeze_receipt.h"
#include "tools/output_directory.h"
#include "tools/train_options.h"
#include "tools/training_loop.h"

namespace thaw {

class TrainingRun {
 public:
  // Reads data and weights, builds and freezes the network, and plans it on its device; continues from
  // `state` unless null. Writes nothing. Throws UsageError or Error.
  TrainingRun(const TrainOptions& options, const GivenOptions& given, const TrainState* state);

  // What will be done, a few lines for people.
  std::string plan() const;

  // Trains, with a line per epoch on stderr. Returns the exit code: 0, or 130 / 143 after a signal and a
  // checkpoint.
  int run(const OutputDirectory& output);

  const Session& session() const { return session_; }
  // "122 frozen tensors, 0 bits changed". Throws Error as FreezeReceipt::verify does.
  std::string receipt() const { return receipt_.verify(*session_.network); }

 private:
  void read_data(const TrainState* state);
  void build_network(const TrainState* state);
  void freeze_and_plan();
  bool validate(EpochMetrics& metrics, const std::function<bool()>& stop);
  void save_weights(const std::string& path);
  void save_state(const OutputDirectory& output);

  TrainOptions options_;
  GivenOptions given_;
  DatasetSplits splits_;
  std::vector<FeatureScale> features_;
  std::string fingerprint_;
  Session session_;
  std::unique_ptr<Optimizer> optimizer_;
  FreezeReceipt receipt_;
  TrainingSettings settings_;
  TrainingPosition position_;
  std::unique_ptr<Loader> train_loader_, val_loader_;
};

}  // namespace thaw
