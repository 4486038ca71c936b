#include "tools/train/loop.h"

#include <fmt/format.h>

#include <cmath>

#include "tools/evaluate/evaluation_report.h"
#include "tools/program/progress.h"
#include "tools/train/not_finite.h"

namespace thaw {

TrainingLoop::TrainingLoop(Session& session, Optimizer& optimizer, Loader& loader, TrainingSettings settings)
    : session_(&session),
      loader_(&loader),
      settings_(std::move(settings)),
      step_(session, optimizer,
            {settings_.label_smoothing, settings_.class_weights, true, settings_.prefix}) {}

double TrainingLoop::rate(const TrainingPosition& position, std::int64_t batch) const {
  const double epoch =
      position.epochs_done + static_cast<double>(batch) / static_cast<double>(loader_->batches());
  return settings_.schedule.at(epoch) * std::pow(settings_.schedule.gamma, position.plateau.falls);
}

void TrainingLoop::read_staged(Batch& batch) {
  if (!loader_->next(batch)) throw Error("the loader ended an epoch early");
  step_.stage(batch);
}

void TrainingLoop::start(const TrainingPosition& position) {
  StepState state;
  state.step = position.step;
  state.seed = settings_.seed;
  state.lr = static_cast<float>(rate(position, position.batches_done));
  state.max_norm = settings_.max_norm;
  step_.start(state);
}

void TrainingLoop::finish(const Batch& batch, TrainingPosition& position) {
  const StepResult result = step_.finish();
  if (!std::isfinite(result.loss) || result.state.skip != 0)
    throw NotFinite(fmt::format("epoch {}, batch {} (step {}): {} is not finite; this begins in {}",
                                position.epochs_done + 1, position.batches_done + 1, position.step + 1,
                                std::isfinite(result.loss) ? "the gradient" : "the loss",
                                where_it_began(*session_, batch, settings_.prefix, result.state)));

  const std::int64_t classes = session_->network->num_classes();
  for (std::size_t i = 0; i < batch.labels.size(); ++i)
    position.right += predicted_class(result.logits.data() + static_cast<std::int64_t>(i) * classes,
                                      classes) == batch.labels[i];
  position.loss_sum += double{result.loss} * static_cast<double>(batch.size());
  position.images += batch.size();
  ++position.batches_done;
  ++position.step;
}

bool TrainingLoop::run_epoch(TrainingPosition& position, EpochMetrics& metrics,
                             const std::function<bool()>& stop) {
  const std::int64_t batches = loader_->batches();
  Progress progress(fmt::format("epoch {}/{}", position.epochs_done + 1, settings_.epochs),
                    loader_->samples() - position.images, batches - position.batches_done);
  if (position.batches_done < batches) {
    loader_->start_epoch(static_cast<std::uint32_t>(position.epochs_done));
    Batch batch, next;
    for (std::int64_t i = 0; i < position.batches_done; ++i) loader_->next(batch);
    read_staged(batch);
    for (bool more = true; more;) {
      start(position);
      more = position.batches_done + 1 < batches;
      if (more) read_staged(next);
      finish(batch, position);
      progress.advance(batch.size(), batch.waited, position.loss_sum / static_cast<double>(position.images));
      if (stop && more && stop()) return false;
      std::swap(batch, next);
    }
  }
  metrics.epoch = position.epochs_done + 1;
  metrics.train_loss = position.loss_sum / static_cast<double>(position.images);
  metrics.train_accuracy = static_cast<double>(position.right) / static_cast<double>(position.images);
  metrics.lr = rate(position, batches - 1);
  metrics.images_per_second = progress.images_per_second();
  metrics.data_wait_fraction = progress.data_wait_fraction();
  return true;
}

std::vector<float> balanced_weights(const std::vector<std::int64_t>& counts) {
  double total = 0;
  for (const std::int64_t n : counts) total += static_cast<double>(n);
  std::vector<float> weights;
  weights.reserve(counts.size());
  for (const std::int64_t n : counts)
    weights.push_back(
        static_cast<float>(total / (static_cast<double>(counts.size()) * static_cast<double>(n))));
  return weights;
}

}  // namespace thaw
