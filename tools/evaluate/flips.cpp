#include "tools/evaluate/flips.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "tools/evaluate/evaluate_model.h"
#include "tools/program/values.h"

namespace thaw {
namespace {

double log_of_sum(double log_a, double log_b) {
  return std::max(log_a, log_b) + std::log1p(std::exp(-std::abs(log_a - log_b)));
}

// Logarithms of the probabilities of a row of logits, two of one logit.
std::vector<double> log_probabilities(const float* logits, std::int64_t columns) {
  std::vector<double> log_p(logits, logits + columns);
  if (columns == 1) log_p.insert(log_p.begin(), 0.0);
  double log_sum = log_p[0];
  for (std::size_t c = 1; c < log_p.size(); ++c) log_sum = log_of_sum(log_sum, log_p[c]);
  for (double& value : log_p) value -= log_sum;
  return log_p;
}

}  // namespace

void add_tta_option(CLI::App& app, std::string& tta) {
  app.add_option("--tta", tta,
                 "test-time augmentation; flips: the mean of the probabilities for each picture and for its "
                 "mirror image")
      ->check(one_of({"none", "flips"}));
}

std::vector<float> mean_probability_logits(const std::vector<float>& a, const std::vector<float>& b,
                                           std::int64_t columns) {
  std::vector<float> mean;
  mean.reserve(a.size());
  for (std::size_t row = 0; row < a.size(); row += static_cast<std::size_t>(columns)) {
    std::vector<double> log_p = log_probabilities(a.data() + row, columns);
    const std::vector<double> other = log_probabilities(b.data() + row, columns);
    for (std::size_t c = 0; c < log_p.size(); ++c)
      log_p[c] = log_of_sum(log_p[c], other[c]) - std::numbers::ln2;
    if (columns == 1) log_p = {log_p[1] - log_p[0]};
    mean.insert(mean.end(), log_p.begin(), log_p.end());
  }
  return mean;
}

EvaluationReport evaluate_with_flips(Session& session, Loader& loader, const std::string& progress) {
  const EvaluationReport plain = evaluate_model(session, loader, progress);
  const EvaluationReport mirrored = evaluate_model(session, loader, progress + ", mirrored", {}, true);
  const std::int64_t columns = session.network->num_classes();
  return evaluation_report(mean_probability_logits(plain.logits, mirrored.logits, columns), columns,
                           plain.labels, plain.classes);
}

}  // namespace thaw
