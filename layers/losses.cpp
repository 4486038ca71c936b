#include "layers/losses.h"

namespace thaw {

namespace {

// The f32 values of logits that may be bf16.
Tensor as_f32(Backend& backend, const Tensor& logits) {
  if (logits.dtype() == DType::f32) return logits;
  Tensor out = Tensor::empty(backend, logits.shape());
  backend(Copy{.x = logits.view(), .y = out.view()});
  return out;
}

void check_shapes(const char* op, const Tensor& logits, const Tensor& targets) {
  if (logits.shape().rank() != 2 || logits.shape() != targets.shape())
    throw Error(std::string(op) + ": logits " + logits.shape().text() + " and targets " +
                targets.shape().text() + " must have one shape [N, K]");
}

// Scales nothing: the loss is the end of the graph, so its own gradient is 1 and dlogits goes on as it is.
Variable record_loss(Tensor loss, const char* op, const Variable& logits, const Tensor& dlogits) {
  Backend& backend = logits.backend();
  return record(std::move(loss), op, "", {logits}, false,
                [=, &backend, logits = logits.edge(), type = logits.value().dtype()](const Tensor&) {
                  if (type == DType::f32) return logits.accumulate(dlogits);
                  Tensor low = Tensor::empty(backend, dlogits.shape(), type);
                  backend(Copy{.x = dlogits.view(), .y = low.view()});
                  logits.accumulate(std::move(low));
                });
}

}  // namespace

Loss softmax_cross_entropy(const Variable& logits, const Tensor& targets, const Tensor& normalizer) {
  Backend& backend = logits.backend();
  check_shapes("softmax_cross_entropy", logits.value(), targets);
  const Tensor z = as_f32(backend, logits.value());
  const std::int64_t n = z.shape()[0], k = z.shape()[1];
  Tensor row_loss = Tensor::empty(backend, {n}), loss = Tensor::empty(backend, {1});
  const Tensor dlogits = logits.requires_grad() ? Tensor::empty(backend, z.shape()) : Tensor();
  backend(SoftmaxCrossEntropy{.n = n,
                              .k = k,
                              .logits = z.as<float>(),
                              .targets = targets.as<float>(),
                              .normalizer = normalizer.as<float>(),
                              .row_loss = row_loss.as<float>(),
                              .loss = loss.as<float>(),
                              .dlogits = dlogits.defined() ? dlogits.as<float>() : nullptr});
  return {record_loss(std::move(loss), "softmax_cross_entropy", logits, dlogits), row_loss};
}

Loss binary_cross_entropy_with_logits(const Variable& logits, const Tensor& targets, const Tensor& weights,
                                      const Tensor& normalizer) {
  Backend& backend = logits.backend();
  check_shapes("binary_cross_entropy_with_logits", logits.value(), targets);
  const Tensor z = as_f32(backend, logits.value());
  const std::int64_t n = z.shape()[0], k = z.shape()[1];
  Tensor row_loss = Tensor::empty(backend, {n}), loss = Tensor::empty(backend, {1});
  const Tensor dlogits = logits.requires_grad() ? Tensor::empty(backend, z.shape()) : Tensor();
  backend(BinaryCrossEntropyWithLogits{.n = n,
                                       .k = k,
                                       .logits = z.as<float>(),
                                       .targets = targets.as<float>(),
                                       .weights = weights.defined() ? weights.as<float>() : nullptr,
                                       .normalizer = normalizer.as<float>(),
                                       .row_loss = row_loss.as<float>(),
                                       .loss = loss.as<float>(),
                                       .dlogits = dlogits.defined() ? dlogits.as<float>() : nullptr});
  return {record_loss(std::move(loss), "binary_cross_entropy_with_logits", logits, dlogits), row_loss};
}

Tensor label_targets(const std::vector<int>& labels, std::int64_t classes, float smoothing,
                     const std::vector<float>& class_weights) {
  const auto n = static_cast<std::int64_t>(labels.size());
  Tensor targets = Tensor::empty_host({n, classes});
  for (std::int64_t i = 0; i < n; ++i) {
    const int label = labels[static_cast<std::size_t>(i)];
    if (label < 0 || label >= classes)
      throw Error("label " + std::to_string(label) + " is outside 0.." + std::to_string(classes - 1));
    for (std::int64_t k = 0; k < classes; ++k) {
      float t = smoothing / static_cast<float>(classes) + (k == label ? 1.0f - smoothing : 0.0f);
      if (!class_weights.empty()) t *= class_weights.at(static_cast<std::size_t>(k));
      targets.as<float>()[i * classes + k] = t;
    }
  }
  return targets;
}

Tensor binary_targets(const std::vector<int>& labels, float smoothing) {
  Tensor targets = Tensor::empty_host({static_cast<std::int64_t>(labels.size()), 1});
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != 0 && labels[i] != 1)
      throw Error("label " + std::to_string(labels[i]) + " is outside 0..1");
    targets.as<float>()[i] = smoothing / 2 + (labels[i] == 1 ? 1.0f - smoothing : 0.0f);
  }
  return targets;
}

Tensor binary_weights(const std::vector<int>& labels, const std::vector<float>& class_weights) {
  Tensor weights = Tensor::empty_host({static_cast<std::int64_t>(labels.size()), 1});
  for (std::size_t i = 0; i < labels.size(); ++i)
    weights.as<float>()[i] =
        class_weights.empty() ? 1.0f : class_weights.at(static_cast<std::size_t>(labels[i]));
  return weights;
}

float label_normalizer(const std::vector<int>& labels, const std::vector<float>& class_weights) {
  if (class_weights.empty()) return static_cast<float>(labels.size());
  double sum = 0.0;
  for (const int label : labels) sum += class_weights.at(static_cast<std::size_t>(label));
  return static_cast<float>(sum);
}

}  // namespace thaw
