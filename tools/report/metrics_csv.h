// metrics.csv: the figures of metrics.jsonl for spreadsheets.
#pragma once

#include <string>
#include <vector>

#include "tools/report/metrics_log.h"

namespace thaw {

// A header with the names of metrics.jsonl, then a line for each epoch; what an epoch does not have is an empty field.
std::string metrics_csv(const std::vector<EpochMetrics>& epochs);

}  // namespace thaw
