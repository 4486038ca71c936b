#include "tools/train/run.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "io/file/atomic.h"
#include "tools/evaluate/evaluate_model.h"
#include "tools/program/frame.h"
#include "tools/program/messages.h"
#include "tools/program/pace.h"
#include "tools/program/progress.h"
#include "tools/program/signals.h"
#include "tools/report/data_section.h"
#include "tools/train/find_rate.h"
#include "tools/train/warnings.h"

namespace thaw {
namespace {

std::string epoch_line(const EpochMetrics& m, int epochs) {
  const std::string validation =
      std::isnan(m.val_loss) ? ""
                             : fmt::format("  val loss {:.4f} accuracy {:.4f}", m.val_loss, m.val_accuracy);
  return fmt::format(
      "epoch {}/{}  train loss {:.4f} accuracy {:.4f}{}  lr {:.3g}  {:.0f} images/s  data wait {:.0f}%  {}",
      m.epoch, epochs, m.train_loss, m.train_accuracy, validation, m.lr, m.images_per_second,
      100 * m.data_wait_fraction, clock_text(m.seconds));
}

}  // namespace

TrainingRun::TrainingRun(const TrainOptions& options, const GivenOptions& given, const TrainState* state,
                         SharedPrefix* shared)
    : setup_(options, given, state),
      record_(setup_, given, state),
      shared_(shared != nullptr ? shared : &own_prefix_) {
  const TrainingPosition& at = record_.position;
  // The first step after the last epoch of the head alone is what thaws.
  head_only_ = at.epochs_done < options.freeze_epochs ||
               (at.epochs_done == options.freeze_epochs && at.batches_done == 0 && options.freeze_epochs > 0);
  if (record_.range_test.chosen > 0) setup_.set_rate(record_.range_test.chosen);
  plan_training();
  if (state != nullptr) setup_.optimizer->load_state_dict(state->optimizer);
  if (options.cache_features && options.freeze_epochs == 0 && fixed_stages(*setup_.session.network) == 0)
    throw UsageError("--cache-features: with --freeze " + options.freeze_spec() + " and --bn " + options.bn +
                     " the first stage changes from step to step, so there is nothing to keep");
  make_loaders();
  if (at.batches_done > train_loader_->batches())
    throw Error(fmt::format("the training state says that {} batches of an epoch are done; an epoch has {}",
                            at.batches_done, train_loader_->batches()));
}

void TrainingRun::plan_training() {
  receipt_ = setup_.plan(head_only_, record_.position.step);
}

void TrainingRun::make_loaders() {
  const Preprocess& preprocess = setup_.session.description.preprocess;
  LoaderOptions validation = setup_.loading(), training = setup_.training_loading();
  validation.pictures = training.pictures = kept_ == nullptr;
  val_loader_.reset();
  if (setup_.validates()) val_loader_ = std::make_unique<Loader>(setup_.splits.val, preprocess, validation);
  train_loader_ = std::make_unique<Loader>(setup_.splits.train, preprocess, training);
}

bool TrainingRun::find_rate(const std::function<bool()>& stop) {
  if (!setup_.options.lr_find || record_.range_test.chosen > 0) return true;
  RangeTest test = find_learning_rate(setup_, stop);
  plan_training();
  if (test.chosen == 0) return false;
  setup_.set_rate(test.chosen);
  record_.range_test = std::move(test);
  return true;
}

bool TrainingRun::cache_prefix(const std::function<bool()>& stop) {
  const std::size_t stages = setup_.options.cache_features ? fixed_stages(*setup_.session.network) : 0;
  kept_.reset();
  if (stages > 0) {
    const ImageInput input = setup_.image_input();
    kept_ = shared_->get({.network = *setup_.session.network,
                          .input = input,
                          .splits = setup_.splits,
                          .preprocess = setup_.session.description.preprocess,
                          .loading = one_pass(setup_.options.data),
                          .identity = setup_.fingerprint + setup_.session.description.json(),
                          .stop = stop},
                         stages, prefix_use_);
    if (kept_ == nullptr) return false;
    say("features: {}\n", prefix_use_.text());
  } else if (setup_.options.cache_features) {
    shared_->clear();
    say("features: none are kept, the first stage is trained\n");
  }
  setup_.session.backend->reset_peak();
  setup_.settings.prefix = kept_ ? &kept_->train : nullptr;
  make_loaders();
  return true;
}

bool TrainingRun::validate(EpochMetrics& metrics, const std::function<bool()>& stop) {
  metrics.val_loss = metrics.val_accuracy = std::numeric_limits<double>::quiet_NaN();
  if (val_loader_ == nullptr) return true;
  Network& network = *setup_.session.network;
  const auto upload = [&](const Batch& batch) {
    return DeviceBatch{Variable(kept_->val->batch(batch.indices).to(*setup_.session.backend)),
                       batch.features.defined() ? batch.features.to(*setup_.session.backend) : Tensor()};
  };
  const auto forward = [&](const DeviceBatch& batch) {
    return network.run(batch.x, kept_->stages, network.stages().size(), Mode::eval(), batch.numbers);
  };
  validation_ = kept_ == nullptr ? evaluate_model(setup_.session, *val_loader_, "validation", stop)
                                 : evaluate_model(upload, forward, network.num_classes(), *val_loader_,
                                                  "validation", stop);
  if (validation_.images == 0) return false;
  metrics.val_loss = validation_.loss;
  metrics.val_accuracy = validation_.top1;
  return true;
}

std::string TrainingRun::best_figures() const {
  const EvaluationReport& best = record_.best();
  if (best.images == 0) return "";
  return fmt::format(
      " (validation accuracy {:.4f}{})", best.top1,
      setup_.options.balanced() ? fmt::format(", balanced {:.4f}", best.balanced_accuracy) : "");
}

bool TrainingRun::run_epoch(TrainingLoop& loop, EpochMetrics& metrics, const OutputDirectory& output,
                            const std::function<bool()>& stop) try {
  return loop.run_epoch(record_.position, metrics, stop) && validate(metrics, stop);
} catch (const NotFinite& e) {
  const int done = record_.position.epochs_done;
  const std::string where =
      std::string(e.what()).starts_with("epoch") ? "" : fmt::format("epoch {}: ", done + 1);
  const std::string remedy = fmt::format(
      "start again with a smaller --lr than {:g}, --warmup-epochs or --clip-grad", setup_.options.base_lr());
  throw NotFinite(where + e.what() + "; " +
                  (done == 0 ? "nothing was saved"
                             : fmt::format("{} is of epoch {}", output.file("last.safetensors"), done)) +
                  "; " + remedy);
}

int TrainingRun::run(const OutputDirectory& output) {
  StopSignals signals;
  const auto stop = [&signals] { return signals.received() != 0; };
  using Clock = std::chrono::steady_clock;
  data_details_ = data_html(setup_.splits);
  Pace pace(std::chrono::seconds(10), Clock::now());
  const auto between_batches = [&] {
    if (pace.due(Clock::now())) write_page(output, "");
    return stop();
  };
  std::unique_ptr<TrainingLoop> loop;
  // What stands there may be of epochs that are not done, or lost.
  if (!record_.epochs.empty()) record_.write_logs(output);
  record_.hold_best(output);
  if (!setup_.bad_pictures.empty()) write_file_atomically(output.file("bad_images.txt"), setup_.bad_pictures);
  if (!find_rate(stop)) record_.save_state(output);
  const int end = setup_.options.stop_after > 0 ? std::min(setup_.options.stop_after, setup_.options.epochs)
                                                : setup_.options.epochs;
  while (!stop() && record_.position.epochs_done < end && !record_.out_of_patience()) {
    if (head_only_ && record_.position.epochs_done == setup_.options.freeze_epochs) {
      say("{}\n", receipt_.verify(*setup_.session.network));
      loop.reset();
      head_only_ = false;
      plan_training();
      say("thawed: {}\n", freeze_line());
    }
    if (loop == nullptr) {
      if (!cache_prefix(stop)) break;
      loop =
          std::make_unique<TrainingLoop>(setup_.session, *setup_.optimizer, *train_loader_, setup_.settings);
    }
    const auto start = Clock::now();
    EpochMetrics metrics;
    if (!run_epoch(*loop, metrics, output, between_batches)) {
      record_.save_state(output);
      break;
    }
    metrics.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const bool best = record_.end_epoch(metrics, std::move(validation_), output);
    write_page(output, "");
    pace.restart(Clock::now());
    say("{}{}\n", epoch_line(metrics, setup_.options.epochs), best && validates() ? "  best" : "");
    say("{}", loss_warning(record_.epochs, setup_.options));
  }
  const std::string receipt = receipt_.verify(*setup_.session.network);
  say("{}\n", receipt);
  write_page(output, receipt);
  if (stop() && record_.position.epochs_done < setup_.options.epochs) {
    say("stopped by a signal in epoch {}; {} holds the state, continue with --resume\n",
        record_.position.epochs_done + 1, output.path());
    return signals.exit_code();
  }
  if (record_.out_of_patience()) record_.restore_best(output);
  if (record_.position.best_epoch > 0)
    say("{} of {} epochs done, best epoch {}{}; {}; the page: {}\n", record_.position.epochs_done,
        setup_.options.epochs, record_.position.best_epoch, best_figures(), output.file("best.safetensors"),
        output.file("report.html"));
  say("{}", majority_warning(record_.best(), setup_.options));
  return exit_done;
}

}  // namespace thaw
