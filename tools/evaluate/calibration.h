// What probabilities are worth: the ROC curve of two classes, and how often answers of a confidence are right.
#pragma once

#include <vector>

#include "tools/evaluate/evaluation_report.h"

namespace thaw {

struct RocPoint {
  double false_positive = 0, true_positive = 0;  // rates
};

// From (0, 0) to (1, 1), a point for every threshold on class 1's score; cases of equal score share one. Empty unless
// there are two classes with cases of both.
std::vector<RocPoint> roc_curve(const EvaluationReport& report);

struct ReliabilityBin {
  double confidence = 0, accuracy = 0;  // means over its cases
  std::int64_t images = 0;
};

struct Calibration {
  std::vector<ReliabilityBin>
      bins;  // (0, 0.1], (0.1, 0.2], ..., (0.9, 1] of the predicted class' probability
  // Expected calibration error (Guo et al. 2017): the mean over all cases of |accuracy - confidence| of their bin.
  double error = 0;
};

Calibration calibration(const EvaluationReport& report);

}  // namespace thaw
