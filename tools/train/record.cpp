#include "tools/train/record.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "io/file/atomic.h"
#include "io/file/names.h"
#include "io/weights/checkpoint.h"
#include "io/weights/weights.h"
#include "models/weights/load.h"
#include "tools/network/run_card.h"
#include "tools/program/messages.h"
#include "tools/program/version.h"
#include "tools/report/evaluation.h"
#include "tools/report/event_file.h"
#include "tools/report/metrics_csv.h"

namespace thaw {

RunRecord::RunRecord(TrainingSetup& setup, const GivenOptions& given, const TrainState* state)
    : setup_(&setup), given_(given) {
  if (state == nullptr) return;
  position = state->position;
  epochs = state->epochs;
  range_test = state->range_test;
  best_weights_ = state->best_weights;
  setup.session.notes = state->notes;
  if (!state->best_logits.defined()) return;
  std::vector<int> labels;
  for (const Sample& sample : setup.splits.val.samples) labels.push_back(sample.label);
  keep_best(evaluation_report(to_contiguous(state->best_logits), setup.session.network->num_classes(), labels,
                              setup.splits.val.classes));
}

void RunRecord::keep_best(EvaluationReport report) {
  best_ = std::move(report);
  best_details_ = evaluation_html(best_, setup_->splits.val);
}

bool RunRecord::end_epoch(const EpochMetrics& metrics, EvaluationReport validation,
                          const OutputDirectory& output) {
  // Without validation pictures the newest network is the best one known.
  const bool validated = !std::isnan(metrics.val_accuracy);
  const double score = setup_->options.balanced() ? validation.balanced_accuracy : metrics.val_accuracy;
  const bool best =
      !validated || score > position.best_accuracy ||
      (score == position.best_accuracy &&
       metrics.val_loss < epochs.at(static_cast<std::size_t>(position.best_epoch - 1)).val_loss);
  position.next_epoch();
  if (best) {
    position.best_epoch = metrics.epoch;
    if (validated) {
      position.best_accuracy = score;
      keep_best(std::move(validation));
    }
    best_weights_ = hash_state_dict(setup_->session.network->state_dict());
  }
  if (setup_->settings.schedule.kind == ScheduleKind::plateau)
    position.plateau.observe(metrics.val_loss, setup_->options.plateau_patience);
  epochs.push_back(metrics);
  save_state(output);
  // After the state, which knows what it must be: hold_best makes up for a stop between the two.
  if (best) save_model(setup_->session, output.file("best.safetensors"), card(position.best_epoch));
  write_logs(output);
  return best;
}

void RunRecord::write_logs(const OutputDirectory& output) const {
  write_metrics(output.file("metrics.jsonl"), epochs);
  write_file_atomically(output.file("metrics.csv"), metrics_csv(epochs));
  // One that an earlier part of the run began goes on.
  const std::string events = output.file("tensorboard");
  if (setup_->options.tensorboard || std::filesystem::exists(events)) write_event_file(events, epochs);
}

void RunRecord::save_state(const OutputDirectory& output) const {
  TrainState state;
  state.options = given_;
  state.fingerprint = setup_->fingerprint;
  state.description = setup_->session.description;
  state.position = position;
  state.epochs = epochs;
  state.range_test = range_test;
  state.notes = setup_->session.notes;
  state.best_weights = best_weights_;
  if (best_.images > 0)
    state.best_logits = from_contiguous(best_.logits, {best_.images, setup_->session.network->num_classes()});
  state.model = setup_->session.network->state_dict();
  state.optimizer = setup_->optimizer->state_dict();
  save_model(setup_->session, output.file("last.safetensors"), card(position.epochs_done));
  write_train_state(output.file("train_state.safetensors"), state);
}

std::string RunRecord::card(int epoch) const {
  if (epoch == 0) return "";
  const EpochMetrics& m = epochs.at(static_cast<std::size_t>(epoch - 1));
  GivenOptions told = given_;
  std::erase_if(told, [](const auto& option) { return may_change(option.first) && option.first != "data"; });
  for (const char* name : {"data", "weights"})  // where they lie is nobody's business
    if (const auto path = told.find(name); path != told.end())
      for (std::string& value : path->second) value = last_name(value);
  return RunCard{
      .version = thaw_version(),
      .date = today(),
      .command = "train" + command_line(told),
      .data = setup_->data_line(),
      .plan = setup_->freeze_line(epoch <= setup_->options.freeze_epochs),
      .freeze = epoch <= setup_->options.freeze_epochs ? "backbone" : setup_->options.freeze_spec(),
      .bn = setup_->options.bn,
      .epoch = epoch,
      .epochs = setup_->options.epochs,
      .train_loss = m.train_loss,
      .train_accuracy = m.train_accuracy,
      .val_loss = m.val_loss,
      .val_accuracy = m.val_accuracy}
      .json();
}

bool RunRecord::out_of_patience() const {
  const int waited = position.epochs_done - std::max(position.best_epoch, setup_->options.freeze_epochs);
  return setup_->options.patience > 0 && waited >= setup_->options.patience;
}

void RunRecord::restore_best(const OutputDirectory& output) {
  const std::string best = output.file("best.safetensors");
  load_weights(*setup_->session.network, read_weights(best).tensors, {.source = best});
  setup_->session.plan();
  save_model(setup_->session, output.file("last.safetensors"), card(position.best_epoch));
  say("stopped early: {} epochs without a better one (--patience); last.safetensors "
      "holds the weights of the best epoch, {}\n",
      position.epochs_done - std::max(position.best_epoch, setup_->options.freeze_epochs),
      position.best_epoch);
}

void RunRecord::hold_best(const OutputDirectory& output) const {
  if (position.best_epoch == 0) return;
  const std::string best = output.file("best.safetensors");
  std::string found = "it is not there";
  if (std::filesystem::exists(best)) {
    try {
      if (hash_state_dict(read_checkpoint(best).tensors) == best_weights_) return;
      found = "it holds other weights";
    } catch (const Error& e) {
      found = e.what();
    }
  }
  if (position.best_epoch != position.epochs_done || position.batches_done != 0)
    throw Error(
        fmt::format("{}: is not what the run wrote after epoch {} ({}); put that back, or start a new run "
                    "in another --output",
                    best, position.best_epoch, found));
  save_model(setup_->session, best, card(position.best_epoch));
  say("best.safetensors is written anew from the training state: {}\n", found);
}

}  // namespace thaw
