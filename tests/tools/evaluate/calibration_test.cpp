#include "tools/evaluate/calibration.h"

#include <doctest/doctest.h>

#include <cmath>

namespace thaw {
namespace {

float logit(double p) {
  return static_cast<float>(std::log(p / (1 - p)));
}

TEST_CASE("roc_curve: a point for each score, its area is the AUC") {
  // scikit-learn's example of roc_auc: scores 0.1, 0.4, 0.35, 0.8 of classes 0, 0, 1, 1 have 0.75.
  const EvaluationReport report = evaluation_report({0.1f, 0.4f, 0.35f, 0.8f}, 1, {0, 0, 1, 1}, {"a", "b"});
  const std::vector<RocPoint> points = roc_curve(report);
  REQUIRE(points.size() == 5);
  CHECK(points[1].true_positive == 0.5);
  CHECK(points[1].false_positive == 0);
  CHECK(points[2].false_positive == 0.5);
  CHECK(points.back().false_positive == 1);
  CHECK(points.back().true_positive == 1);
  double area = 0;
  for (std::size_t i = 1; i < points.size(); ++i)
    area += (points[i].false_positive - points[i - 1].false_positive) *
            (points[i].true_positive + points[i - 1].true_positive) / 2;
  CHECK(area == doctest::Approx(report.auc.value()));
  // Equal scores are one threshold.
  CHECK(roc_curve(evaluation_report({1, 1, 1, 1}, 1, {0, 0, 1, 1}, {"a", "b"})).size() == 2);
  CHECK(roc_curve(evaluation_report({1, 1}, 1, {0, 0}, {"a", "b"})).empty());
  CHECK(roc_curve(evaluation_report({1, 0, 0}, 3, {0}, {"a", "b", "c"})).empty());
}

TEST_CASE("calibration: bins and their expected error, by hand") {
  // Confidence 0.95 twice, once right; 0.62 once, right: (2 |0.5 - 0.95| + |1 - 0.62|) / 3.
  const EvaluationReport report =
      evaluation_report({logit(0.95), logit(0.95), logit(0.38)}, 1, {1, 0, 0}, {"a", "b"});
  const Calibration c = calibration(report);
  REQUIRE(c.bins.size() == 10);
  CHECK(c.bins[9].images == 2);
  CHECK(c.bins[9].accuracy == 0.5);
  CHECK(c.bins[9].confidence == doctest::Approx(0.95));
  CHECK(c.bins[6].images == 1);
  CHECK(c.error == doctest::Approx((2 * 0.45 + 0.38) / 3).epsilon(1e-5));
  CHECK(calibration(EvaluationReport{}).error == 0);
}

}  // namespace
}  // namespace thaw
