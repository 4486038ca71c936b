#include "tools/compare_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "kernels/error.h"

namespace thaw {

namespace {

using Json = nlohmann::ordered_json;

Json as_json(const CompareResult& r) {
  return {{"seed", r.seed},
          {"lr", r.lr},
          {"best_epoch", r.best_epoch},
          {"val_accuracy", r.val_accuracy},
          {"last_accuracy", r.last_accuracy},
          {"test_accuracy", r.test_accuracy ? Json(*r.test_accuracy) : Json()},
          {"seconds", r.seconds},
          {"trainable", r.trainable},
          {"peak_bytes", r.peak_bytes},
          {"receipt", r.receipt}};
}

std::string percent(const Spread& s, bool sign = false) {
  return sign ? fmt::format("{:+.1f} ± {:.1f}", 100 * s.mean, 100 * s.error)
              : fmt::format("{:.1f} ± {:.1f}", 100 * s.mean, 100 * s.error);
}

template <class F>
double mean_of(const CompareRow& row, F value) {
  double sum = 0;
  for (const CompareResult& r : row.results) sum += static_cast<double>(value(r));
  return sum / static_cast<double>(row.results.size());
}

}  // namespace

std::string CompareResult::json() const {
  return as_json(*this).dump();
}

CompareResult CompareResult::parse(const std::string& text, const std::string& file) {
  try {
    const Json j = Json::parse(text);
    CompareResult r;
    r.seed = j.at("seed");
    r.lr = j.at("lr");
    r.best_epoch = j.at("best_epoch");
    r.val_accuracy = j.at("val_accuracy");
    r.last_accuracy = j.at("last_accuracy");
    if (!j.at("test_accuracy").is_null()) r.test_accuracy = j.at("test_accuracy").get<double>();
    r.seconds = j.at("seconds");
    r.trainable = j.at("trainable");
    r.peak_bytes = j.at("peak_bytes");
    r.receipt = j.at("receipt");
    return r;
  } catch (const nlohmann::json::exception& e) {
    throw Error(file + ": is not a result of compare (" + e.what() + "); delete it to repeat the run");
  }
}

Spread spread(const std::vector<double>& values) {
  Spread s;
  const auto n = static_cast<double>(values.size());
  if (values.empty()) return s;
  for (const double v : values) s.mean += v / n;
  double squares = 0;
  for (const double v : values) squares += (v - s.mean) * (v - s.mean);
  if (values.size() > 1) s.error = std::sqrt(squares / (n - 1) / n);
  return s;
}

std::vector<double> CompareRow::validation() const {
  std::vector<double> values;
  for (const CompareResult& r : results) values.push_back(r.val_accuracy);
  return values;
}

std::optional<std::vector<double>> CompareRow::test() const {
  std::vector<double> values;
  for (const CompareResult& r : results) {
    if (!r.test_accuracy) return {};
    values.push_back(*r.test_accuracy);
  }
  return values;
}

Spread paired_difference(const CompareRow& row, const CompareRow& base) {
  const auto a = row.test(), b = base.test();
  const std::vector<double> x = a && b ? *a : row.validation(), y = a && b ? *b : base.validation();
  std::vector<double> differences;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) differences.push_back(x[i] - y[i]);
  return spread(differences);
}

const CompareRow* base_row(const std::vector<CompareRow>& rows) {
  if (rows.empty()) return nullptr;
  const auto found =
      std::find_if(rows.begin(), rows.end(), [](const CompareRow& row) { return row.plan.key == "0"; });
  return found == rows.end() ? &rows.front() : &*found;
}

std::string compare_table(const std::vector<CompareRow>& rows) {
  const CompareRow* base = base_row(rows);
  if (base == nullptr) return "";
  std::string text = fmt::format(
      "| plan | trained parameters | learning rate | validation % | test % | minus plan {} | best epochs | "
      "s / epoch | peak MB |\n|---|---|---|---|---|---|---|---|---|\n",
      base->plan.key);
  for (const CompareRow& row : rows) {
    if (row.results.empty()) continue;
    std::vector<int> epochs;
    for (const CompareResult& r : row.results) epochs.push_back(r.best_epoch);
    const auto test = row.test();
    const std::string lr = fmt::format("{:g}", row.results.front().lr) +
                           (row.tried.size() > 1 ? fmt::format(" of {:g}", fmt::join(row.tried, ", ")) : "");
    text +=
        fmt::format("| {} | {} | {} | {} | {} | {} | {} | {:.2f} | {:.0f} |\n", row.plan.title,
                    row.results.front().trainable, lr, percent(spread(row.validation())),
                    test ? percent(spread(*test)) : "-",
                    &row == base ? "-" : percent(paired_difference(row, *base), true), fmt::join(epochs, " "),
                    mean_of(row, [](const CompareResult& r) { return r.seconds; }),
                    mean_of(row, [](const CompareResult& r) { return r.peak_bytes; }) / 1e6);
  }
  return text;
}

std::string compare_json(const std::vector<CompareRow>& rows) {
  Json plans = Json::array();
  for (const CompareRow& row : rows) {
    Json runs = Json::array();
    for (const CompareResult& r : row.results) runs.push_back(as_json(r));
    plans.push_back({{"plan", row.plan.key},
                     {"title", row.plan.title},
                     {"model", row.plan.model},
                     {"freeze", row.plan.freeze},
                     {"bn", row.plan.bn},
                     {"runs", runs}});
  }
  return Json{{"plans", plans}}.dump();
}

}  // namespace thaw
