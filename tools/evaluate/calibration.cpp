#include "tools/evaluate/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace thaw {

std::vector<RocPoint> roc_curve(const EvaluationReport& report) {
  if (!report.auc) return {};
  const std::size_t cases = report.labels.size(), columns = report.logits.size() / cases;
  const auto score = [&](std::size_t i) {
    const float* row = report.logits.data() + i * columns;
    return columns == 1 ? double{row[0]} : double{row[1]} - double{row[0]};
  };
  std::vector<std::size_t> order(cases);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return score(a) > score(b); });
  const auto all = static_cast<double>(cases);
  const auto positives = static_cast<double>(std::count(report.labels.begin(), report.labels.end(), 1));
  std::vector<RocPoint> points{{}};
  double seen = 0, hits = 0;
  for (std::size_t i = 0; i < cases; ++i) {
    seen += 1;
    hits += report.labels[order[i]] == 1 ? 1 : 0;
    if (i + 1 < cases && score(order[i + 1]) == score(order[i])) continue;
    points.push_back({(seen - hits) / (all - positives), hits / positives});
  }
  return points;
}

Calibration calibration(const EvaluationReport& report) {
  constexpr int count = 10;
  Calibration result;
  result.bins.resize(count);
  if (report.labels.empty()) return result;
  const std::size_t columns = report.logits.size() / report.labels.size();
  for (std::size_t i = 0; i < report.labels.size(); ++i) {
    const float* row = report.logits.data() + i * columns;
    const int guess = predicted_class(row, static_cast<std::int64_t>(columns));
    const double p =
        probabilities(row, static_cast<std::int64_t>(columns)).at(static_cast<std::size_t>(guess));
    ReliabilityBin& bin = result.bins[static_cast<std::size_t>(
        std::clamp(static_cast<int>(std::ceil(p * count)) - 1, 0, count - 1))];
    bin.confidence += p;
    bin.accuracy += guess == report.labels[i] ? 1 : 0;
    ++bin.images;
  }
  for (ReliabilityBin& bin : result.bins) {
    if (bin.images == 0) continue;
    result.error += std::abs(bin.accuracy - bin.confidence) / static_cast<double>(report.labels.size());
    bin.confidence /= static_cast<double>(bin.images);
    bin.accuracy /= static_cast<double>(bin.images);
  }
  return result;
}

}  // namespace thaw
