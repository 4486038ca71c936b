// Single pictures that a network got wrong or right.
#pragma once

#include <string>

#include "io/data/dataset.h"
#include "tools/evaluate/evaluation_report.h"

namespace thaw {

// HTML for html_page: the 12 worst mistakes; `dataset` as evaluation_html has it.
std::string mistakes_html(const EvaluationReport& report, const Dataset& dataset);

// Pictures that are classified rightly: the 6 surest, of as many classes as there are, and the 6 that were nearly
// missed.
std::string right_answers_html(const EvaluationReport& report, const Dataset& dataset);

}  // namespace thaw
