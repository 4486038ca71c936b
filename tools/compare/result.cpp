#include "tools/compare/result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "tools/compare/ties.h"
#include "tools/program/bounded_json.h"

namespace thaw {

namespace {

using Json = nlohmann::ordered_json;

Json as_json(const PrefixUse& f) {
  return {{"stage", f.stage}, {"source", f.source}, {"seconds", f.seconds}, {"bytes", f.bytes}};
}

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
          {"receipt", r.receipt},
          {"features", r.features.stage.empty() ? Json() : as_json(r.features)}};
}

template <class F>
double mean_of(const CompareRow& row, F value) {
  double sum = 0;
  for (const CompareResult& r : row.results) sum += static_cast<double>(value(r));
  return sum / static_cast<double>(row.results.size());
}

}  // namespace

std::string CompareResult::json() const {
  Json json = as_json(*this);
  json["right"] = right;
  return json.dump();
}

CompareResult CompareResult::parse(const std::string& text, const std::string& file) {
  try {
    const Json j = parse_json<Json>(text, file);
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
    r.right = j.value("right", "");
    if (const Json f = j.value("features", Json()); !f.is_null())
      r.features = {.stage = f.at("stage"),
                    .source = f.at("source"),
                    .seconds = f.at("seconds"),
                    .bytes = f.at("bytes")};
    const auto share = [](double x) { return x >= 0 && x <= 1; };
    const bool negative = j.at("peak_bytes") < 0 || r.trainable < 0 || !(r.seconds >= 0 && r.seconds < 1e9);
    if (!share(r.val_accuracy) || !share(r.last_accuracy) || !share(r.test_accuracy.value_or(0)) ||
        r.right.find_first_not_of("01") != std::string::npos || r.best_epoch < 1 || !(r.lr > 0) || negative ||
        r.peak_bytes > std::uint64_t{1} << 60)
      throw Error(file + ": holds figures that no run gives; delete it to repeat the run");
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

std::string percent(const Spread& s, bool sign) {
  const std::string mean = sign ? fmt::format("{:+.1f}", 100 * s.mean) : fmt::format("{:.1f}", 100 * s.mean);
  return s.error ? mean + fmt::format(" ± {:.1f}", 100 * *s.error) : mean;
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

std::vector<std::vector<std::string>> compare_cells(const std::vector<CompareRow>& rows) {
  const CompareRow* base = base_row(rows);
  if (base == nullptr) return {};
  std::vector<std::vector<std::string>> cells{{"plan", "trained parameters", "lr", "validation %", "test %",
                                               "minus plan " + base->plan.key, "best epochs", "s / epoch",
                                               "peak MB", "minus the best, 95 %"}};
  const std::vector<Standing> all = standings(rows);
  for (const CompareRow& row : rows) {
    const Standing& s = all[static_cast<std::size_t>(&row - rows.data())];
    std::vector<int> epochs;
    for (const CompareResult& r : row.results) epochs.push_back(r.best_epoch);
    const auto test = row.test();
    cells.push_back(
        {row.plan.title, std::to_string(row.results.front().trainable),
         fmt::format("{:g}", row.results.front().lr) +
             (row.tried.size() > 1 ? fmt::format(" of {:g}", fmt::join(row.tried, ", ")) : ""),
         percent(spread(row.validation())), test ? percent(spread(*test)) : "-",
         &row == base ? "-" : percent(paired_difference(row, *base), true),
         fmt::format("{}", fmt::join(epochs, " ")),
         fmt::format("{:.2f}", mean_of(row, [](const CompareResult& r) { return r.seconds; })),
         fmt::format("{:.0f}", mean_of(row, [](const CompareResult& r) { return r.peak_bytes; }) / 1e6),
         s.best ? "the best"
         : !s.known
             ? "not known"
             : fmt::format("{:+.1f} to {:+.1f}{}", 100 * s.low, 100 * s.high, s.tied ? ", tied" : "")});
  }
  return cells;
}

std::string compare_table(const std::vector<CompareRow>& rows) {
  std::string text;
  for (const std::vector<std::string>& cells : compare_cells(rows)) {
    const bool head = text.empty();
    text += fmt::format("| {} |\n", fmt::join(cells, " | "));
    for (std::size_t i = 0; head && i < cells.size(); ++i) text += "|---";
    if (head) text += "|\n";
  }
  return text;
}

std::string compare_features(const std::vector<CompareRow>& rows) {
  std::string text;
  for (const CompareRow& row : rows) {
    std::size_t runs = 0;
    std::vector<std::string> computed;
    const PrefixUse* last = nullptr;
    for (const PrefixUse& use : row.features) {
      if (use.stage.empty()) continue;
      ++runs;
      last = &use;
      if (!use.source.empty())
        computed.push_back(fmt::format("from {} in {:.1f} s", use.source, use.seconds));
    }
    if (last == nullptr) continue;
    text += fmt::format(
        "- plan {}: the output of {} ({:.1f} MB) was kept for {} run{}, {}\n", row.plan.key, last->stage,
        static_cast<double>(last->bytes) / 1e6, runs, runs == 1 ? "" : "s",
        computed.empty() ? "taken from a run before" : fmt::format("computed {}", fmt::join(computed, ", ")));
  }
  return text;
}

std::string compare_text(const std::vector<CompareRow>& rows) {
  std::string text = compare_table(rows);
  if (!rows.empty()) text += "\n" + verdict(rows) + "\n";
  if (const std::string features = compare_features(rows); !features.empty())
    text += "\nNot part of s / epoch, once per picture:\n\n" + features;
  return text;
}

std::string compare_json(const std::vector<CompareRow>& rows) {
  Json plans = Json::array();
  const std::vector<Standing> all = standings(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const CompareRow& row = rows[i];
    Json runs = Json::array();
    for (const CompareResult& r : row.results) runs.push_back(as_json(r));
    plans.push_back({{"plan", row.plan.key},
                     {"title", row.plan.title},
                     {"model", row.plan.model},
                     {"freeze", row.plan.freeze},
                     {"bn", row.plan.bn},
                     {"best", all[i].best},
                     {"tied_with_best", all[i].tied},
                     {"minus_best", all[i].best || !all[i].known ? Json() : Json{all[i].low, all[i].high}},
                     {"runs", runs}});
  }
  return Json{{"plans", plans}}.dump();
}

}  // namespace thaw
