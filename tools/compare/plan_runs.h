// All runs of one plan.
#pragma once

#include <functional>
#include <optional>

#include "tools/compare/duration.h"
#include "tools/compare/options.h"

namespace thaw {

// Fills `row` with a run per seed, after choosing its learning rate with the first seed; says which run of all it is by
// `clock`, where each takes `work`. False: stopped by a signal, `exit_code` says with which code to end. Throws Error.
bool run_plan(const CompareSettings& settings, int seeds, RunClock& clock, double work, CompareRow& row,
              int& exit_code);

// The row of a plan that is not asked for, from what an earlier comparison left in the output folder; none where its runs
// are not whole or were made with other options, which is said.
std::optional<CompareRow> finished_plan(const CompareSettings& settings, int seeds, const ComparePlan& plan,
                                        const std::vector<double>& rates);

}  // namespace thaw
