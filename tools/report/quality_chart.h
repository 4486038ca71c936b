// How far an evaluation's probabilities can be trusted, as a chart.
#pragma once

#include <string>

#include "tools/evaluate/evaluation_report.h"

namespace thaw {

// HTML for html_page: of two classes the ROC curve; of more, or where a class has no pictures, a reliability diagram
// with the expected calibration error.
std::string quality_html(const EvaluationReport& report);

}  // namespace thaw
