#include "tools/evaluate/evaluate_model.h"

#include <algorithm>
#include <memory>

#include "tools/cost/picture_memory.h"
#include "tools/program/progress.h"

namespace thaw {
namespace {

PictureMemory evaluation_memory(const Session& session) {
  return picture_memory(session, [](Session& counted) -> BatchPass {
    return [&counted](const Batch& batch) {
      const ImageInput input(*counted.backend, counted.description.preprocess, counted.activations);
      logits_of(*counted.network, input(batch.images, batch.flips), batch.features);
    };
  });
}

}  // namespace

std::vector<float> host_rows(const Variable& output) {
  const Tensor& logits = output.value();
  if (logits.dtype() == DType::f32) return to_contiguous(logits);
  Tensor wide = Tensor::empty(output.backend(), logits.shape());
  output.backend()(Copy{.x = logits.view(), .y = wide.view()});
  return to_contiguous(wide);
}

std::vector<float> logits_of(Network& network, const Variable& input, const Tensor& features) {
  return host_rows(
      network.forward(input, features.defined() ? features.to(input.backend()) : Tensor(), Mode::eval()));
}

EvaluationReport evaluate_model(Session& session, Loader& loader, const std::string& progress,
                                const std::function<bool()>& stop, bool mirrored) {
  Backend& backend = *session.backend;
  const ImageInput input(backend, session.description.preprocess, session.activations);
  const std::size_t before = backend.bytes_in_use();
  const auto within_memory = [&](std::int64_t cases, const auto& action) {
    try {
      return action();
    } catch (const OutOfMemory& error) {
      throw too_large_batch(error, evaluation_memory(session), before, cases);
    }
  };
  const auto upload = [&](const Batch& batch) {
    return within_memory(batch.size(), [&] {
      const auto pictures = static_cast<std::size_t>(batch.images.shape()[0]);
      const std::vector<std::uint8_t> flips = mirrored ? std::vector<std::uint8_t>(pictures, 1) : batch.flips;
      return DeviceBatch{input(batch.images, flips),
                         batch.features.defined() ? batch.features.to(backend) : Tensor()};
    });
  };
  const auto forward = [&](const DeviceBatch& batch) {
    const std::int64_t cases = batch.x.value().shape()[0] / session.network->views();
    return within_memory(cases,
                         [&] { return session.network->forward(batch.x, batch.numbers, Mode::eval()); });
  };
  return evaluate_model(upload, forward, session.network->num_classes(), loader, progress, stop);
}

EvaluationReport evaluate_model(const std::function<DeviceBatch(const Batch&)>& upload,
                                const std::function<Variable(const DeviceBatch&)>& forward,
                                std::int64_t outputs, Loader& loader, const std::string& progress,
                                const std::function<bool()>& stop) {
  const auto samples = static_cast<std::size_t>(loader.samples()), width = static_cast<std::size_t>(outputs);
  std::vector<float> logits(samples * width);
  std::vector<int> labels(samples);
  std::unique_ptr<Progress> bar;
  if (!progress.empty()) bar = std::make_unique<Progress>(progress, loader.samples(), loader.batches());
  double loss = 0;
  std::int64_t done = 0;
  const auto use = [&](const Batch& batch, const Variable& output) {
    const std::vector<float> rows = host_rows(output);
    for (std::size_t i = 0; i < batch.labels.size(); ++i) {
      const float* row = rows.data() + i * width;
      const bool known = outputs == 1 || batch.labels[i] < outputs;
      if (known) loss += row_loss(row, outputs, batch.labels[i]);
      const auto sample = static_cast<std::size_t>(batch.indices[i]);
      std::copy(row, row + width, logits.data() + sample * width);
      labels[sample] = batch.labels[i];
    }
    done += batch.size();
    if (bar) bar->advance(batch.size(), batch.waited, loss / static_cast<double>(done));
  };
  if (!run_batches(loader, {upload, forward, use}, stop)) return {};
  return evaluation_report(logits, outputs, labels, loader.dataset().classes);
}

}  // namespace thaw
