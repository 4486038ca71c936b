// What accuracy costs: each plan's accuracy against a cost.
#pragma once

#include <string>
#include <vector>

#include "tools/compare/result.h"

namespace thaw {

struct ScatterPoint {
  std::string label;
  double x = 0, y = 0;   // y: a share
  double error = 0;      // of y
  std::string series{};  // a class of html_page's: series1, ...
};

// An <svg> element for html_page. `logarithmic`: x in powers of ten, all x above 0.
std::string scatter_svg(const std::string& title, const std::vector<ScatterPoint>& points, bool logarithmic);

// HTML for html_page: mean accuracy against seconds per epoch, memory and trained parameters.
std::string cost_charts(const std::vector<CompareRow>& rows, bool tested);

// The class of html_page's that shows a plan: series2 from random weights, series3 where BatchNorm moves, else series1.
std::string series_of(const ComparePlan& plan);

}  // namespace thaw
