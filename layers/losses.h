// Losses on f32 [N,K] targets: labels, label smoothing, mixing and class weights all come in through the
// targets.
#pragma once

#include <vector>

#include "layers/module.h"

namespace thaw {

struct Loss {
  Variable loss;    // f32 [1]
  Tensor row_loss;  // f32 [N], each picture's part before division by the normalizer
};

// torch.nn.CrossEntropyLoss. logits [N,K] (f32 or bf16), targets f32 [N,K], normalizer f32 [1] on the same
// backend. dlogits accumulates.
Loss softmax_cross_entropy(const Variable& logits, const Tensor& targets, const Tensor& normalizer);

// torch.nn.BCEWithLogitsLoss; weights f32 [N,K] or undefined.
Loss binary_cross_entropy_with_logits(const Variable& logits, const Tensor& targets, const Tensor& weights,
                                      const Tensor& normalizer);

// Host targets [N,K] of labels: (1 - smoothing) * onehot + smoothing / K, times class_weights[k] unless that
// is empty (torch.nn.CrossEntropyLoss with weight and label_smoothing). Throws Error on a label outside
// 0..K-1.
Tensor label_targets(const std::vector<int>& labels, std::int64_t classes, float smoothing,
                     const std::vector<float>& class_weights);
// Host targets [N,1] of labels 0 and 1 for binary cross-entropy, the other class getting smoothing / 2, and
// weights [N,1] of the labels' classes. Throw Error on another label.
Tensor binary_targets(const std::vector<int>& labels, float smoothing);
Tensor binary_weights(const std::vector<int>& labels, const std::vector<float>& class_weights);

// What these losses divide by: N, or the sum of the labels' class weights.
float label_normalizer(const std::vector<int>& labels, const std::vector<float>& class_weights);

}  // namespace thaw
