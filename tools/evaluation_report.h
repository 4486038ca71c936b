// What a network's logits on a labelled dataset say: accuracy, loss, per-class figures, AUC, confusion
// matrix.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/error.h"

namespace thaw {

// A loss, gradient or logit that is no number: the network has diverged or its weights are broken.
struct NotFinite : Error {
  using Error::Error;
};

// Class probabilities of one row of logits. One logit z stands for two classes: 1 - sigmoid(z) and
// sigmoid(z).
std::vector<double> probabilities(const float* logits, std::int64_t count);
// The class with the greatest logit (the first of equals); of one logit: 1 where it is > 0.
int predicted_class(const float* logits, std::int64_t count);
// Cross-entropy of one row with the true class, in double; binary cross-entropy for one logit.
double row_loss(const float* logits, std::int64_t count, int label);

struct ClassFigures {
  std::string name;
  double precision = 0, recall = 0, f1 = 0;  // 0 where the quotient is 0 / 0, as scikit-learn has it
  std::int64_t images = 0;
};

struct EvaluationReport {
  std::int64_t images = 0;
  double top1 = 0;
  double loss = 0;  // mean over the images, without label smoothing or class weights
  std::vector<std::string> classes;
  std::vector<std::vector<std::int64_t>> confusion;  // [true class][predicted class]
  std::vector<ClassFigures> per_class;
  bool two_classes = false;
  std::optional<double> auc;  // of two classes: the area under the ROC curve of class 1, ties counted half;
                              // none where a class has no image

  std::string json() const;   // as in docs: images, top1, loss, classes, confusion, per_class, auc
  std::string table() const;  // for people, several lines
};

// `logits` holds labels.size() rows of `columns` values: classes.size(), or 1 for two classes. Throws Error
// when they disagree, NotFinite when a logit is not finite.
EvaluationReport evaluation_report(const std::vector<float>& logits, std::int64_t columns,
                                   const std::vector<int>& labels, const std::vector<std::string>& classes);

}  // namespace thaw
