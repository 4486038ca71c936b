#include "tools/training_loop.h"

#include <fmt/format.h>

#include <cmath>

#include "layers/losses.h"
#include "tools/evaluation_report.h"
#include "tools/progress.h"

namespace thaw {

TrainingLoop::TrainingLoop(Session& session, Optimizer& optimizer, Loader& loader, TrainingSettings settings)
    : session_(&session),
      optimizer_(&optimizer),
      loader_(&loader),
      settings_(std::move(settings)),
      input_(*session.backend, session.description.preprocess, session.activations),
      control_(*session.backend) {}

double TrainingLoop::rate(int epoch, std::int64_t batch) const {
  return settings_.schedule.at(epoch + static_cast<double>(batch) / static_cast<double>(loader_->batches()));
}

void TrainingLoop::step(const Batch& batch, TrainingPosition& position) {
  Backend& backend = *session_->backend;
  const double lr = rate(position.epochs_done, position.batches_done);
  StepState state;
  state.step = position.step;
  state.seed = settings_.seed;
  state.lr = static_cast<float>(lr);
  state.max_norm = settings_.max_norm;
  control_.begin(state);

  const std::int64_t classes = session_->network->num_classes();
  const Tensor targets =
      label_targets(batch.labels, classes, settings_.label_smoothing, settings_.class_weights).to(backend);
  const float divisor = label_normalizer(batch.labels, settings_.class_weights);
  const Tensor normalizer = from_contiguous({&divisor, 1}, {1}).to(backend);

  session_->arenas.clear_gradients();
  const Variable logits =
      session_->network->forward(input_(batch.images, batch.flips), Mode::train(control_.device()));
  const Loss loss = softmax_cross_entropy(logits, targets, normalizer);
  const std::string where =
      fmt::format("epoch {}, batch {}", position.epochs_done + 1, position.batches_done + 1);
  const float value = to_contiguous(loss.loss.value()).at(0);
  if (!std::isfinite(value))
    throw Error(fmt::format(
        "{}: the loss is {}; nothing of this epoch is saved. Use a smaller --lr than {:g}, --warmup-epochs "
        "or --clip-grad",
        where, value, lr));
  backward(loss.loss);
  session_->arenas.complete_gradients();
  optimizer_->step(control_);
  session_->arenas.values_changed();
  if (control_.read().skip != 0)
    throw Error(fmt::format(
        "{}: the gradient is not finite; nothing of this epoch is saved. Use a smaller --lr than {:g}", where,
        lr));

  Tensor wide = logits.value();
  if (wide.dtype() != DType::f32) {
    wide = Tensor::empty(backend, logits.value().shape());
    backend.copy(logits.value().view(), wide.view(), Into::assign);
  }
  const std::vector<float> rows = to_contiguous(wide);
  for (std::size_t i = 0; i < batch.labels.size(); ++i)
    position.right +=
        predicted_class(rows.data() + static_cast<std::int64_t>(i) * classes, classes) == batch.labels[i];
  position.loss_sum += double{value} * static_cast<double>(batch.size());
  position.images += batch.size();
  ++position.batches_done;
  ++position.step;
}

bool TrainingLoop::run_epoch(TrainingPosition& position, EpochMetrics& metrics,
                             const std::function<bool()>& stop) {
  Progress progress(fmt::format("epoch {}/{}", position.epochs_done + 1, settings_.epochs),
                    loader_->samples());
  const std::int64_t batches = loader_->batches();
  if (position.batches_done < batches) {
    loader_->start_epoch(static_cast<std::uint32_t>(position.epochs_done));
    Batch batch;
    for (std::int64_t i = 0; i < position.batches_done; ++i) loader_->next(batch);
    while (position.batches_done < batches) {
      if (!loader_->next(batch)) throw Error("the loader ended an epoch early");
      step(batch, position);
      progress.advance(batch.size(), batch.waited, position.loss_sum / static_cast<double>(position.images));
      if (stop && position.batches_done < batches && stop()) return false;
    }
  }
  metrics.epoch = position.epochs_done + 1;
  metrics.train_loss = position.loss_sum / static_cast<double>(position.images);
  metrics.train_accuracy = static_cast<double>(position.right) / static_cast<double>(position.images);
  metrics.lr = rate(position.epochs_done, batches - 1);
  metrics.images_per_second = progress.images_per_second();
  metrics.data_wait_fraction = progress.data_wait_fraction();
  return true;
}

std::vector<float> balanced_weights(const std::vector<std::int64_t>& counts) {
  double total = 0;
  for (const std::int64_t n : counts) total += static_cast<double>(n);
  std::vector<float> weights;
  for (const std::int64_t n : counts)
    weights.push_back(
        static_cast<float>(total / (static_cast<double>(counts.size()) * static_cast<double>(n))));
  return weights;
}

}  // namespace thaw
