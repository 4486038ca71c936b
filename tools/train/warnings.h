// What train says when a run goes badly in a way that an option mends.
#pragma once

#include <string>
#include <vector>

#include "tools/evaluate/evaluation_report.h"
#include "tools/report/metrics_log.h"
#include "tools/train/options.h"

namespace thaw {

// After the newest of `epochs` (1 to the newest): a loss that explodes, or one that has hardly fallen in the first three
// epochs. "": nothing, or it was said in an earlier epoch. What it advises is none of what `options` have.
std::string loss_warning(const std::vector<EpochMetrics>& epochs, const TrainOptions& options);

// Where the best epoch's answers are right no more often than one that always names the most frequent class; else "".
std::string majority_warning(const EvaluationReport& best, const TrainOptions& options);

}  // namespace thaw
