// A whole run of train: what it starts from, its epochs, and what it leaves in its output folder.
#pragma once

#include <memory>

#include "models/freeze/receipt.h"
#include "tools/cost/plan_table.h"
#include "tools/evaluate/evaluation_report.h"
#include "tools/program/output_directory.h"
#include "tools/report/page.h"
#include "tools/train/loop.h"
#include "tools/train/options.h"
#include "tools/train/shared_features.h"

namespace thaw {

class TrainingRun {
 public:
  // Reads data and weights, builds and freezes the network, and plans it on its device; continues from
  // `state` unless null. Shares its kept features with the other runs of `shared` (null: with none), which
  // must outlive it. Writes nothing. Throws UsageError or Error.
  TrainingRun(const TrainOptions& options, const GivenOptions& given, const TrainState* state,
              SharedFeatures* shared = nullptr);

  // What will be done, a few lines for people.
  std::string plan() const;
  // What the freeze plan means stage by stage; with --freeze-epochs, once the head's own epochs are over.
  PlanTable stage_plan() const;

  // Trains, with a line per epoch on stderr. Returns the exit code: 0, or 130 / 143 after a signal and a
  // checkpoint.
  int run(const OutputDirectory& output);

  const Session& session() const { return session_; }
  const FeatureUse& feature_use() const { return feature_use_; }
  // Those done, of earlier parts of the run too.
  const std::vector<EpochMetrics>& epochs() const { return epochs_; }
  bool validates() const { return !splits_.val.samples.empty(); }
  // "122 frozen tensors, 0 bits changed". Throws Error as FreezeReceipt::verify does.
  std::string receipt() const { return receipt_.verify(*session_.network); }

 private:
  void read_data(const TrainState* state);
  void resume_position(const TrainState& state);
  void build_network(const TrainState* state);
  void set_up_training();
  void check_freezing();
  void freeze(bool head_only);
  // Freezes and plans for the epoch that position_ stands in.
  void plan_training();
  LoaderOptions loading() const;
  void make_loaders();
  // Gets the features that --cache-features asks for, and makes the loaders that go with them. False: `stop`.
  bool cache_features(const std::function<bool()>& stop);
  ImageInput image_input() const;
  std::string freeze_line() const;
  std::string data_lines() const;
  std::string training_line() const;
  void end_epoch(const EpochMetrics& metrics, const OutputDirectory& output);
  bool out_of_patience() const;
  void restore_best(const OutputDirectory& output);
  // Throws Error where best.safetensors is not of the best epoch; that of the newest epoch, whose weights the
  // network holds, is written anew.
  void hold_best(const OutputDirectory& output);
  bool validate(EpochMetrics& metrics, const std::function<bool()>& stop);
  // Keeps what the page says of the best epoch: its logits on the validation pictures, in their order.
  void keep_best(EvaluationReport report);
  // report.html of the epochs done, if any. `receipt`: of the frozen bits; empty while the run goes on. Where
  // it cannot be written, a warning says why: the run is worth more than its page.
  void write_page(const OutputDirectory& output, const std::string& receipt) const;
  ReportPage page(const OutputDirectory& output, const std::string& receipt) const;
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
  std::uint64_t best_weights_ = 0;    // as TrainState's
  std::vector<EpochMetrics> epochs_;  // 1 to position_.epochs_done
  std::unique_ptr<Loader> train_loader_, val_loader_;
  SharedFeatures own_features_;  // where the run shares with none
  SharedFeatures* shared_;
  std::shared_ptr<const KeptFeatures> kept_;  // null: none
  FeatureUse feature_use_;
  bool head_only_ = false;              // in the first --freeze-epochs
  EvaluationReport validation_, best_;  // of the newest epoch, of the best one
  std::string best_details_;            // evaluation_html of best_
};

}  // namespace thaw
