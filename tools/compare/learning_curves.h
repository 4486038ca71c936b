// How the runs of a comparison learned.
#pragma once

#include <string>
#include <vector>

#include "tools/compare/result.h"

namespace thaw {

// HTML for html_page: a chart per plan with the validation accuracy of all its runs over the epochs, on one scale, and
// links to the runs' own pages.
std::string learning_curves_html(const std::vector<CompareRow>& rows);

}  // namespace thaw
