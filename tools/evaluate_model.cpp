#include "tools/evaluate_model.h"

#include <memory>

#include "tools/picture_memory.h"
#include "tools/progress.h"

namespace thaw {

namespace {

std::vector<float> host_rows(const Variable& output) {
  const Tensor& logits = output.value();
  if (logits.dtype() == DType::f32) return to_contiguous(logits);
  Tensor wide = Tensor::empty(output.backend(), logits.shape());
  output.backend().copy(logits.view(), wide.view(), Into::assign);
  return to_contiguous(wide);
}

}  // namespace

std::vector<float> logits_of(Network& network, const Variable& input, const Tensor& features) {
  return host_rows(
      network.forward(input, features.defined() ? features.to(input.backend()) : Tensor(), Mode::eval()));
}

EvaluationReport evaluate_model(Session& session, Loader& loader, const std::string& progress,
                                const std::function<bool()>& stop) {
  Backend& backend = *session.backend;
  const ImageInput input(backend, session.description.preprocess, session.activations);
  const BatchForward forward = [&](const Batch& batch) {
    const std::size_t before = backend.bytes_in_use();
    try {
      const Variable x = input(batch.images, batch.flips);
      const Tensor numbers = batch.features.defined() ? batch.features.to(backend) : Tensor();
      return session.network->forward(x, numbers, Mode::eval());
    } catch (const OutOfMemory& error) {
      throw too_large_batch(error, picture_memory(session, false), before, batch.size());
    }
  };
  return evaluate_model(forward, session.network->num_classes(), loader, progress, stop);
}

EvaluationReport evaluate_model(const BatchForward& forward, std::int64_t columns, Loader& loader,
                                const std::string& progress, const std::function<bool()>& stop) {
  std::vector<float> logits;
  std::vector<int> labels;
  std::unique_ptr<Progress> bar;
  if (!progress.empty()) bar = std::make_unique<Progress>(progress, loader.samples());
  double loss = 0;
  Batch batch;
  loader.start_epoch(0);
  while (loader.next(batch)) {
    if (stop && stop()) return {};
    const std::vector<float> rows = host_rows(forward(batch));
    for (std::size_t i = 0; i < batch.labels.size(); ++i) {
      const bool known = columns == 1 || batch.labels[i] < columns;
      if (known)
        loss += row_loss(rows.data() + i * static_cast<std::size_t>(columns), columns, batch.labels[i]);
    }
    logits.insert(logits.end(), rows.begin(), rows.end());
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
    if (bar) bar->advance(batch.size(), batch.waited, loss / static_cast<double>(labels.size()));
  }
  return evaluation_report(logits, columns, labels, loader.dataset().classes);
}

}  // namespace thaw
