// What a report page says of an evaluation: confusion matrix, figures per class, mistakes and right answers.
#pragma once

#include <string>
#include <utility>

#include "io/data/dataset.h"
#include "tools/evaluate/evaluation_report.h"

namespace thaw {

// HTML for html_page. `dataset` holds the cases that `report` is about, in the same order; a bounded number of their
// pictures is read from their files and shown small, one that is there several times once. A picture that cannot be read
// any more is named without being shown.
std::string evaluation_html(const EvaluationReport& report, const Dataset& dataset);

// "91.20": of a share.
std::string percent_text(double share);
// "87.1 to 94.2": of an interval of shares.
std::string percent_text(const std::pair<double, double>& interval);

}  // namespace thaw
