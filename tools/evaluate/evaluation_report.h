// What a network's logits on a labelled dataset say: accuracy, loss, per-class figures, AUC, confusion
// matrix, the worst cases.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
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
  std::int64_t images = 0, right = 0;
  std::pair<double, double> recall_interval() const;  // wilson_interval
};

// How one case went.
struct CaseLoss {
  std::int64_t index = 0;  // of the case
  int label = 0, predicted = 0;
  double probability = 0;  // of the true class
  double loss = 0;
};

// A case as reports show it.
struct NamedLoss {
  std::vector<std::string> images;  // the names of its pictures, all views
  CaseLoss figures;
};

struct EvaluationReport {
  std::int64_t images = 0, right = 0;
  double top1 = 0;
  double balanced_accuracy = 0;  // mean recall of the classes that have images, as scikit-learn has it
  double loss = 0;               // mean over the images, without label smoothing or class weights
  std::vector<std::string> classes;
  std::vector<std::vector<std::int64_t>> confusion;  // [true class][predicted class]
  std::vector<ClassFigures> per_class;
  bool two_classes = false;
  std::optional<double> auc;  // of two classes: the area under the ROC curve of class 1, ties counted half;
                              // none where a class has no image
  std::vector<float> logits;  // [images][columns], as given
  std::vector<int> labels;

  std::pair<double, double> top1_interval() const;  // wilson_interval

  // The `count` cases of largest loss, the worst first; of equal ones the earlier. `wrong_only`: of those
  // whose class was not predicted.
  std::vector<CaseLoss> top_losses(std::size_t count, bool wrong_only = false) const;

  // {"images":..,"top1":..,"balanced_accuracy":..,"loss":..,"classes":..,"confusion":..,"per_class":..,
  //  "auc":..,"top1_interval":[low,high],"top_losses":[{"image":..,"label":..,"predicted":..,"probability":..,
  //  "loss":..}]}: auc with two classes, top_losses unless empty, in each "views" with all names where there are
  // several. per_class has "recall_interval":[low,high], null for a class without images. Intervals are of 95 %.
  std::string json(const std::vector<NamedLoss>& top = {}) const;
  std::string table(const std::vector<NamedLoss>& top = {}) const;  // for people, several lines
};

// `logits` holds labels.size() rows of `columns` values: classes.size(), or 1 for two classes. Throws Error
// when they disagree, NotFinite when a logit is not finite.
EvaluationReport evaluation_report(const std::vector<float>& logits, std::int64_t columns,
                                   const std::vector<int>& labels, const std::vector<std::string>& classes);

}  // namespace thaw
