// What a report page says of an evaluation: confusion matrix, figures per class, worst mistakes.
#pragma once

#include <string>

#include "io/data/dataset.h"
#include "tools/evaluate/evaluation_report.h"

namespace thaw {

// HTML for html_page. `dataset` holds the cases that `report` is about, in the same order; the pictures of
// the 12 worst mistakes are read from their files and shown small, one that is there several times once. A
// picture that cannot be read any more is named without being shown.
std::string evaluation_html(const EvaluationReport& report, const Dataset& dataset);

// "91.20": of a share.
std::string percent_text(double share);

}  // namespace thaw
