// report.html: what a run of train was, how it went, and what it still gets wrong.
#pragma once

#include <string>
#include <vector>

#include "tools/evaluate/evaluation_report.h"
#include "tools/report/metrics_log.h"

namespace thaw {

struct ReportPage {
  std::string title;
  std::string command;
  std::string data, training;                            // lines for people
  std::string freeze;                                    // lines for people
  std::vector<std::vector<std::string>> freeze_table{};  // plan_cells
  std::string freeze_verdict{};                          // plan_verdict
  std::string receipt{};                                 // of the frozen bits; empty while the run goes on
  std::vector<EpochMetrics> epochs;                      // those done, from 1 on
  int planned_epochs = 0, best_epoch = 0;
  EvaluationReport best{};        // on validation, with the best epoch's weights; no images: no validation
  std::string best_details = {};  // evaluation_html of it
};

// One self-contained HTML document. All strings but best_details are text. Equal runs differ in times only,
// and those stand in the table of epochs.
std::string report_html(const ReportPage& page);

}  // namespace thaw
