// What a run keeps of its epochs, in memory and in its output folder.
#pragma once

#include <string>
#include <vector>

#include "tools/evaluate/evaluation_report.h"
#include "tools/program/output_directory.h"
#include "tools/train/setup.h"
#include "tools/train/state.h"

namespace thaw {

class RunRecord {
 public:
  // `given` is kept in the training state. Goes on from `state` unless that is null. The setup must outlive
  // the record.
  RunRecord(TrainingSetup& setup, const GivenOptions& given, const TrainState* state);

  TrainingPosition position;         // of the run
  std::vector<EpochMetrics> epochs;  // 1 to position.epochs_done
  RangeTest range_test;              // of --lr find

  // Counts the epoch, whose logits on the validation pictures `validation` holds, and writes weights, state
  // and logs. True: it is the best one so far.
  bool end_epoch(const EpochMetrics& metrics, EvaluationReport validation, const OutputDirectory& output);
  void save_state(const OutputDirectory& output) const;
  // metrics.jsonl, metrics.csv and, with --tensorboard or where there is one, the event file: of all
  // epochs, whatever stands there.
  void write_logs(const OutputDirectory& output) const;
  // Throws Error where best.safetensors is not of the best epoch; that of the newest epoch, whose weights the
  // network holds, is written anew.
  void hold_best(const OutputDirectory& output) const;
  bool out_of_patience() const;
  void restore_best(const OutputDirectory& output);

  // Of the best epoch by its validation pictures, in their order; no images: none.
  const EvaluationReport& best() const { return best_; }
  const std::string& best_details() const { return best_details_; }  // evaluation_html of best()
  const GivenOptions& given() const { return given_; }

 private:
  void keep_best(EvaluationReport report);
  std::string card(int epoch) const;  // RunCard::json of weights of that epoch; of epoch 0 nothing

  TrainingSetup* setup_;
  GivenOptions given_;
  std::uint64_t best_weights_ = 0;  // as TrainState's
  EvaluationReport best_;
  std::string best_details_;
};

}  // namespace thaw
