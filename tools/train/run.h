// A whole run of train: what it starts from, its epochs, and what it leaves in its output folder.
#pragma once

#include <memory>

#include "tools/cost/plan_table.h"
#include "tools/report/page.h"
#include "tools/train/record.h"
#include "tools/train/shared_prefix.h"

namespace thaw {

class TrainingRun {
 public:
  // Reads data and weights, builds and freezes the network, and plans it on its device; continues from
  // `state` unless null. Shares its kept features with the other runs of `shared` (null: with none), which
  // must outlive it. Writes nothing. Throws UsageError or Error.
  TrainingRun(const TrainOptions& options, const GivenOptions& given, const TrainState* state,
              SharedPrefix* shared = nullptr);

  // What will be done, a few lines for people.
  std::string summary() const;
  // What the freeze plan means stage by stage; with --freeze-epochs, once the head's own epochs are over.
  PlanTable stage_plan() const;

  // Trains, with a line per epoch on stderr. Returns the exit code: 0, or 130 / 143 after a signal and a
  // checkpoint.
  int run(const OutputDirectory& output);

  const Session& session() const { return setup_.session; }
  const PrefixUse& prefix_use() const { return prefix_use_; }
  // Those done, of earlier parts of the run too.
  const std::vector<EpochMetrics>& epochs() const { return record_.epochs; }
  // Of the best epoch on the validation pictures, in their order; no images: none.
  const EvaluationReport& best() const { return record_.best(); }
  int best_epoch() const { return record_.position.best_epoch; }  // 0: none yet
  bool validates() const { return setup_.validates(); }
  // "122 frozen tensors, 0 bits changed". Throws Error as FreezeReceipt::verify does.
  std::string receipt() const { return receipt_.verify(*setup_.session.network); }

 private:
  // Freezes and plans for the epoch that the record stands in.
  void plan_training();
  void make_loaders();
  // --lr find, unless it has been done. False: `stop`.
  bool find_rate(const std::function<bool()>& stop);
  // Gets the features that --cache-features asks for, and makes the loaders that go with them. False: `stop`.
  bool cache_prefix(const std::function<bool()>& stop);
  std::string freeze_line() const;
  std::string data_lines() const;
  std::string training_line() const;
  // Trains and validates the epoch that the record stands in. False: `stop`. Throws NotFinite naming the last checkpoint.
  bool run_epoch(TrainingLoop& loop, EpochMetrics& metrics, const OutputDirectory& output,
                 const std::function<bool()>& stop);
  std::string best_figures() const;  // of the best epoch, for people
  bool validate(EpochMetrics& metrics, const std::function<bool()>& stop);
  // report.html of the epochs done and the one under way, if any. `receipt`: of the frozen bits; empty while the run goes
  // on. Where it cannot be written, a warning says why: the run is worth more than its page.
  void write_page(const OutputDirectory& output, const std::string& receipt) const;
  std::vector<std::pair<std::string, std::string>> card() const;
  ReportPage page(const OutputDirectory& output, const std::string& receipt) const;

  TrainingSetup setup_;
  RunRecord record_;
  FreezeReceipt receipt_;
  std::unique_ptr<Loader> train_loader_, val_loader_;
  SharedPrefix own_prefix_;  // where the run shares with none
  SharedPrefix* shared_;
  std::shared_ptr<const KeptPrefix> kept_;  // null: none
  PrefixUse prefix_use_;
  bool head_only_ = false;       // in the first --freeze-epochs
  EvaluationReport validation_;  // of the newest epoch
  std::string data_details_;     // data_html, once run() has begun
};

}  // namespace thaw
