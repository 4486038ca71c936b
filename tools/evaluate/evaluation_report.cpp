#include "tools/evaluate/evaluation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "io/file/text.h"
#include "kernels/error.h"
#include "tools/evaluate/wilson_interval.h"

namespace thaw {
namespace {

double log1p_exp(double z) {
  return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
}

// Mann-Whitney: the share of (class 1, class 0) pairs that the scores order rightly; equal scores share their
// ranks.
std::optional<double> area_under_curve(const std::vector<double>& scores, const std::vector<int>& labels) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  double rank_sum = 0, positives = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && scores[order[end]] == scores[order[begin]]) ++end;
    const double rank = (static_cast<double>(begin + 1) + static_cast<double>(end)) / 2;
    for (std::size_t i = begin; i < end; ++i)
      if (labels[order[i]] == 1) {
        rank_sum += rank;
        positives += 1;
      }
    begin = end;
  }
  const double negatives = static_cast<double>(scores.size()) - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

double quotient(double a, double b) {
  return b > 0 ? a / b : 0.0;
}

}  // namespace

std::vector<double> probabilities(const float* logits, std::int64_t count) {
  if (count == 1) {
    const double z = logits[0];
    return {std::exp(-log1p_exp(z)), std::exp(-log1p_exp(-z))};
  }
  const double top = *std::max_element(logits, logits + count);
  std::vector<double> p(static_cast<std::size_t>(count));
  double sum = 0;
  for (std::int64_t k = 0; k < count; ++k) sum += p[static_cast<std::size_t>(k)] = std::exp(logits[k] - top);
  for (double& value : p) value /= sum;
  return p;
}

int predicted_class(const float* logits, std::int64_t count) {
  if (count == 1) return logits[0] > 0 ? 1 : 0;
  return static_cast<int>(std::max_element(logits, logits + count) - logits);
}

double row_loss(const float* logits, std::int64_t count, int label) {
  if (count == 1) return log1p_exp(label == 1 ? -double{logits[0]} : double{logits[0]});
  const double top = *std::max_element(logits, logits + count);
  double sum = 0;
  for (std::int64_t k = 0; k < count; ++k) sum += std::exp(logits[k] - top);
  return top + std::log(sum) - logits[label];
}

EvaluationReport evaluation_report(const std::vector<float>& logits, std::int64_t columns,
                                   const std::vector<int>& labels, const std::vector<std::string>& classes) {
  const auto count = classes.size();
  const bool one_logit = columns == 1 && count == 2;
  if (columns != static_cast<std::int64_t>(count) && !one_logit)
    throw Error(fmt::format("the network has {} outputs, but there are {} classes", columns, count));
  if (logits.size() != labels.size() * static_cast<std::size_t>(columns))
    throw Error(fmt::format("{} logits for {} images of {} outputs", logits.size(), labels.size(), columns));

  EvaluationReport report;
  report.images = static_cast<std::int64_t>(labels.size());
  report.classes = classes;
  report.two_classes = count == 2;
  report.logits = logits;
  report.labels = labels;
  report.confusion.assign(count, std::vector<std::int64_t>(count, 0));
  std::vector<double> scores;
  double loss = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const float* row = logits.data() + i * static_cast<std::size_t>(columns);
    for (std::int64_t k = 0; k < columns; ++k)
      if (!std::isfinite(row[k]))
        throw NotFinite(
            fmt::format("the network's output for image {} is not finite; are the weights broken?", i));
    const int label = labels[i], guess = predicted_class(row, columns);
    ++report.confusion.at(static_cast<std::size_t>(label)).at(static_cast<std::size_t>(guess));
    report.right += guess == label;
    loss += row_loss(row, columns, label);
    if (report.two_classes) scores.push_back(one_logit ? double{row[0]} : double{row[1]} - double{row[0]});
  }
  const auto images = static_cast<double>(labels.size());
  report.top1 = quotient(static_cast<double>(report.right), images);
  report.loss = quotient(loss, images);
  double recalls = 0, present = 0;
  for (std::size_t c = 0; c < count; ++c) {
    std::int64_t guessed = 0;
    for (std::size_t t = 0; t < count; ++t) guessed += report.confusion[t][c];
    const auto& row = report.confusion[c];
    ClassFigures figures;
    figures.name = classes[c];
    figures.images = std::accumulate(row.begin(), row.end(), std::int64_t{0});
    figures.right = row[c];
    const auto hits = static_cast<double>(row[c]);
    figures.precision = quotient(hits, static_cast<double>(guessed));
    figures.recall = quotient(hits, static_cast<double>(figures.images));
    figures.f1 = quotient(2 * hits, static_cast<double>(guessed + figures.images));
    recalls += figures.recall;
    present += figures.images > 0 ? 1 : 0;
    report.per_class.push_back(figures);
  }
  report.balanced_accuracy = quotient(recalls, present);
  if (report.two_classes) report.auc = area_under_curve(scores, labels);
  return report;
}

std::pair<double, double> ClassFigures::recall_interval() const {
  return wilson_interval(right, images);
}

std::pair<double, double> EvaluationReport::top1_interval() const {
  return wilson_interval(right, images);
}

std::vector<CaseLoss> EvaluationReport::top_losses(std::size_t count, bool wrong_only) const {
  const std::size_t columns = labels.empty() ? 0 : logits.size() / labels.size();
  std::vector<CaseLoss> cases;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const float* row = logits.data() + i * columns;
    const auto k = static_cast<std::int64_t>(columns);
    const int guess = predicted_class(row, k);
    if (wrong_only && guess == labels[i]) continue;
    cases.push_back({static_cast<std::int64_t>(i), labels[i], guess,
                     probabilities(row, k)[static_cast<std::size_t>(labels[i])],
                     row_loss(row, k, labels[i])});
  }
  count = std::min(count, cases.size());
  std::partial_sort(cases.begin(), cases.begin() + static_cast<std::ptrdiff_t>(count), cases.end(),
                    [](const CaseLoss& a, const CaseLoss& b) {
                      return a.loss != b.loss ? a.loss > b.loss : a.index < b.index;
                    });
  cases.resize(count);
  return cases;
}

std::string EvaluationReport::json(const std::vector<NamedLoss>& top) const {
  nlohmann::ordered_json out;
  out["images"] = images;
  out["top1"] = top1;
  out["balanced_accuracy"] = balanced_accuracy;
  out["loss"] = loss;
  out["classes"] = classes;
  out["confusion"] = confusion;
  out["per_class"] = nlohmann::ordered_json::array();
  for (const ClassFigures& c : per_class) {
    nlohmann::ordered_json entry;
    entry["class"] = c.name;
    entry["precision"] = c.precision;
    entry["recall"] = c.recall;
    entry["f1"] = c.f1;
    entry["images"] = c.images;
    entry["recall_interval"] = c.images > 0 ? nlohmann::ordered_json(c.recall_interval()) : nullptr;
    out["per_class"].push_back(std::move(entry));
  }
  if (two_classes) out["auc"] = auc ? nlohmann::ordered_json(*auc) : nlohmann::ordered_json(nullptr);
  out["top1_interval"] = top1_interval();
  for (const NamedLoss& named : top) {
    nlohmann::ordered_json entry;
    entry["image"] = named.images.front();
    if (named.images.size() > 1) entry["views"] = named.images;
    entry["label"] = classes.at(static_cast<std::size_t>(named.figures.label));
    entry["predicted"] = classes.at(static_cast<std::size_t>(named.figures.predicted));
    entry["probability"] = named.figures.probability;
    entry["loss"] = named.figures.loss;
    out["top_losses"].push_back(std::move(entry));
  }
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string EvaluationReport::table(const std::vector<NamedLoss>& top) const {
  std::string out = fmt::format("images {}   top-1 {:.4f}   balanced {:.4f}   loss {:.4f}", images, top1,
                                balanced_accuracy, loss);
  if (auc) out += fmt::format("   AUC {:.4f}", *auc);
  out += fmt::format("\n95 % interval of top-1 (Wilson): {:.4f} to {:.4f}", top1_interval().first,
                     top1_interval().second);
  std::size_t width = 5;
  std::vector<std::string> shown;  // a terminal obeys some names
  for (const std::string& name : classes) {
    shown.push_back(printable(name));
    width = std::max(width, shown.back().size());
  }
  out += fmt::format("\n\n{:{}}  precision  recall      F1  images  95 % of recall\n", "class", width);
  for (const ClassFigures& c : per_class) {
    out += fmt::format("{:{}}  {:9.4f}  {:6.4f}  {:6.4f}  {:6}", printable(c.name), width, c.precision,
                       c.recall, c.f1, c.images);
    if (c.images > 0)
      out += fmt::format("  {:.4f} to {:.4f}", c.recall_interval().first, c.recall_interval().second);
    out += '\n';
  }
  out += "\nconfusion (rows: true class, columns: predicted)\n";
  for (std::size_t t = 0; t < confusion.size(); ++t) {
    out += fmt::format("{:{}}", shown[t], width);
    for (const std::int64_t n : confusion[t]) out += fmt::format(" {:6}", n);
    out += '\n';
  }
  if (top.empty()) return out;
  out += fmt::format("\nlargest losses\n   loss  p(true)  {:{}}  {:{}}  picture\n", "true", width,
                     "predicted", std::max<std::size_t>(width, 9));
  for (const NamedLoss& named : top) {
    const CaseLoss& c = named.figures;
    out += fmt::format("{:7.4f}  {:7.4f}  {:{}}  {:{}} ", c.loss, c.probability,
                       shown.at(static_cast<std::size_t>(c.label)), width,
                       shown.at(static_cast<std::size_t>(c.predicted)), std::max<std::size_t>(width, 9));
    for (const std::string& name : named.images) out += ' ' + printable(name, std::string::npos);
    out += '\n';
  }
  return out;
}

}  // namespace thaw
