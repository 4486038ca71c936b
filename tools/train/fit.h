// Fine-tunes a network, as the program train does.
#pragma once

#include <string>
#include <vector>

#include "tools/report/metrics_log.h"
#include "tools/train/options.h"

namespace thaw {

struct FitResult {
  std::vector<EpochMetrics> epochs;
  std::string weights;   // the file of the best epoch's
  std::string receipt;   // "122 frozen tensors, 0 bits changed"
  bool finished = true;  // false: a signal stopped it; `resume` goes on
};

// Trains, with a line per epoch on stderr, and leaves in options.output what train leaves there. With `resume` it continues
// the run in there: fields that are left at their default are what they were, others must be. While it runs, the first
// SIGINT or SIGTERM stops it after a checkpoint; one call at a time in a process. Throws UsageError or Error as train says.
FitResult fit(const TrainOptions& options);

}  // namespace thaw
