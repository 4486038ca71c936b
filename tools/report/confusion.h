// Which classes are taken for which.
#pragma once

#include <string>

#include "io/data/dataset.h"
#include "tools/evaluate/evaluation_report.h"

namespace thaw {

// HTML for html_page: the confusion matrix, or of more than 30 classes a table of the most frequent confusions.
std::string confusion_html(const EvaluationReport& report);

// The pairs of classes that are confused most, with pictures; `dataset` as evaluation_html has it. "" where no picture
// is classified wrongly.
std::string confused_pairs_html(const EvaluationReport& report, const Dataset& dataset);

}  // namespace thaw
