// What one run of compare gave, and what the runs of one plan say together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/compare/plan.h"
#include "tools/train/shared_prefix.h"

namespace thaw {

struct CompareResult {
  std::uint64_t seed = 0;
  double lr = 0;
  int best_epoch = 0;                   // chosen on validation
  double val_accuracy = 0;              // of that epoch
  double last_accuracy = 0;             // of the last epoch, on validation
  std::optional<double> test_accuracy;  // of the best epoch's weights; none without test pictures
  double seconds = 0;                   // per epoch, validation included
  std::int64_t trainable = 0;           // parameters
  std::uint64_t peak_bytes = 0;         // of the device's tensors in training and validation
  std::string receipt;                  // "122 frozen tensors, 0 bits changed"
  PrefixUse features{};                 // with --cache-features; not part of `seconds`
  // A digit for each test picture, without those for each validation picture: 1 where the best epoch's weights are right.
  // Empty in results of older versions.
  std::string right{};
  std::vector<double> curve{};  // validation accuracy by epoch; not in the JSON
  std::string page{};  // the run's report.html, from the comparison's folder; empty: none; not in the JSON

  std::string json() const;
  // Throws Error naming `file` when it is not such a text.
  static CompareResult parse(const std::string& text, const std::string& file);
};

struct Spread {
  double mean = 0;
  std::optional<double>
      error{};  // standard error of the mean, by the sample's standard deviation; none of one value
};
Spread spread(const std::vector<double>& values);
// In %: "86.5 ± 0.5", or "86.5" where there is no spread; `sign`: "+86.5".
std::string percent(const Spread& s, bool sign = false);

struct CompareRow {
  ComparePlan plan;
  std::vector<CompareResult> results;  // one per seed, in the order of the seeds; all of one learning rate
  std::vector<double> tried;           // the learning rates to choose from
  std::vector<PrefixUse> features{};   // of all runs, those of other learning rates too

  std::vector<double> validation() const;
  std::optional<std::vector<double>> test() const;
};

// Of `row` minus `base` on the same seeds: on the test pictures where there are any, else on validation.
Spread paired_difference(const CompareRow& row, const CompareRow& base);

// The head, then per plan trained parameters, learning rate, validation and test accuracy (mean and standard
// error over the seeds), the paired difference to the plan "0" (else to the first), the best epochs, seconds
// per epoch, peak memory, and the 95 % interval of the difference to the best plan. Every row must have results.
std::vector<std::vector<std::string>> compare_cells(const std::vector<CompareRow>& rows);
// The same as a table in Markdown.
std::string compare_table(const std::vector<CompareRow>& rows);
// What was kept of frozen stages, for how many runs, and how long that took: a line per plan. Empty where
// nothing was kept.
std::string compare_features(const std::vector<CompareRow>& rows);
// The table, which plan is best, and, where there are, the lines on kept features.
std::string compare_text(const std::vector<CompareRow>& rows);
// {"plans":[{"plan":"0","title":...,"model":...,"freeze":...,"bn":...,"best":...,"tied_with_best":...,
//  "minus_best":[low,high],"runs":[RESULT...]}...]}: minus_best is null for the best plan and where it is not known
std::string compare_json(const std::vector<CompareRow>& rows);

// The row that others are compared with: "0" where it is there, else the first. Of no rows: null.
const CompareRow* base_row(const std::vector<CompareRow>& rows);

}  // namespace thaw
