#include "tools/compare/learning_curves.h"

#include <fmt/format.h>

#include "tools/report/curve_chart.h"
#include "tools/report/html.h"

namespace thaw {

std::string learning_curves_html(const std::vector<CompareRow>& rows) {
  std::vector<CurveChart> charts;
  CurveChart all;
  all.percent = true;
  for (const CompareRow& row : rows) {
    CurveChart chart{row.plan.title, {}};
    chart.percent = true;
    for (const CompareResult& r : row.results)
      if (!r.curve.empty()) chart.curves.push_back({fmt::format("seed {}", r.seed), r.curve});
    all.curves.insert(all.curves.end(), chart.curves.begin(), chart.curves.end());
    charts.push_back(std::move(chart));
  }
  const Axis axis = all.fitting_axis();
  std::string text =
      "<h2>Learning curves</h2>\n<p class=\"soft\">Validation accuracy in %, all on the same scale. "
      "The links lead to the runs' own pages.</p>\n<div class=\"charts\">\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    charts[i].axis = axis;
    text += "<div><h3>" + html_escape(charts[i].title) + "</h3>\n";
    text += charts[i].curves.empty()
                ? "<p class=\"soft\">The runs' metrics.jsonl are not there any more.</p>\n"
                : charts[i].svg();
    std::string links;
    for (const CompareResult& r : rows[i].results)
      if (!r.page.empty())
        links += fmt::format("{}<a href=\"{}\">seed {}</a>", links.empty() ? "" : ", ", html_escape(r.page),
                             r.seed);
    if (!links.empty()) text += "<p>Reports: " + links + "</p>\n";
    text += "</div>\n";
  }
  return text + "</div>\n";
}

}  // namespace thaw
