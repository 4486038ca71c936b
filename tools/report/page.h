// report.html: what a run of train was, how it went, and what it still gets wrong.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/evaluate/evaluation_report.h"
#include "tools/report/metrics_log.h"

namespace thaw {

struct EpochUnderWay {
  int epoch = 0;  // from 1
  std::int64_t batches_done = 0, batches = 0;
  double loss = 0, accuracy = 0;  // of training, so far
};

struct ReportPage {
  std::string title;
  std::vector<std::pair<std::string, std::string>> card{};  // names and values: date, version, device, ...
  std::string command;
  std::string data, training;                            // lines for people
  std::string freeze;                                    // lines for people
  std::vector<std::vector<std::string>> freeze_table{};  // plan_cells
  std::string freeze_verdict{};                          // plan_verdict
  std::string receipt{};                                 // of the frozen bits; empty while the run goes on
  std::int64_t train_images = 0, val_images = 0;         // cases that the accuracies are of
  std::vector<EpochMetrics> epochs;                      // those done, from 1 on
  std::optional<EpochUnderWay> under_way{};              // none where the run does not go on
  int planned_epochs = 0, best_epoch = 0;
  EvaluationReport best{};        // on validation, with the best epoch's weights; no images: none yet
  std::string best_details = {};  // evaluation_html of it
  std::string data_details = {};  // data_html
  std::string range_test = {};    // range_test_html
  int reload_seconds = 10;        // of a browser while the run goes on
};

// One self-contained HTML document. All strings but best_details, data_details and range_test are text. Equal runs differ in times
// only, and those stand in the table of epochs and in the card.
std::string report_html(const ReportPage& page);

// The 95 % interval (Wilson) of an accuracy over `images` cases; NaN of NaN.
std::pair<double, double> accuracy_interval(double accuracy, std::int64_t images);

}  // namespace thaw
