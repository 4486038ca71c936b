#include "tools/compare/plan_runs.h"

#include <fmt/format.h>

#include <chrono>

#include "tools/evaluate/evaluation_report.h"
#include "tools/program/messages.h"

namespace thaw {

bool run_plan(const CompareSettings& settings, int seeds, RunClock& clock, double work, CompareRow& row,
              int& exit_code) {
  const auto one = [&](double lr, int seed) {
    say("\n== {}: plan {}, lr {:g}, seed {}\n", clock.text(), row.plan.key, lr, seed);
    const auto number = static_cast<std::uint64_t>(seed);
    const bool there = finished_run(settings, row.plan, lr, number).has_value();
    const auto start = std::chrono::steady_clock::now();
    auto result = compare_run(settings, row.plan, lr, number, exit_code);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    clock.end(row.plan.model, work, there ? 0 : seconds);
    if (result) row.features.push_back(result->features);
    return result;
  };
  std::optional<CompareResult> best;
  for (const double lr : row.tried) {
    try {
      const auto result = one(lr, 1);
      if (!result) return false;
      if (!best || result->val_accuracy > best->val_accuracy) best = result;
    } catch (const NotFinite& e) {
      if (row.tried.size() == 1) throw;
      clock.end(row.plan.model, work, 0);
      say("plan {}: lr {:g} is out of the choice: {}\n", row.plan.key, lr, e.what());
    }
  }
  if (!best)
    throw Error(
        fmt::format("plan {}: none of its learning rates went through; give smaller ones", row.plan.key));
  row.results.push_back(*best);
  for (int seed = 2; seed <= seeds; ++seed) {
    const auto result = one(best->lr, seed);
    if (!result) return false;
    row.results.push_back(*result);
  }
  return true;
}

std::optional<CompareRow> finished_plan(const CompareSettings& settings, int seeds, const ComparePlan& plan,
                                        const std::vector<double>& rates) {
  CompareRow row{plan, {}, rates};
  try {
    std::optional<CompareResult> best;
    const auto one = [&](double lr, int seed) {
      auto result = finished_run(settings, plan, lr, static_cast<std::uint64_t>(seed));
      if (result) row.features.push_back(result->features);
      return result;
    };
    for (const double lr : rates) {
      const auto result = one(lr, 1);
      if (result && (!best || result->val_accuracy > best->val_accuracy)) best = result;
    }
    if (!best) return {};
    row.results.push_back(*best);
    for (int seed = 2; seed <= seeds; ++seed)
      if (const auto result = one(best->lr, seed)) row.results.push_back(*result);
    if (static_cast<int>(row.results.size()) == seeds) return row;
    say("plan {}: {} of {} seeds are there; give it in --plans to run the others\n", plan.key,
        row.results.size(), seeds);
  } catch (const Error& e) {
    say("plan {}: what an earlier comparison left is not shown: {}\n", plan.key, e.what());
  }
  return {};
}

}  // namespace thaw
