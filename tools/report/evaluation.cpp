#include "tools/report/evaluation.h"

#include <fmt/format.h>

#include "tools/report/confusion.h"
#include "tools/report/examples.h"
#include "tools/report/html.h"
#include "tools/report/pictures.h"
#include "tools/report/quality_chart.h"

namespace thaw {

namespace {

std::string class_table(const EvaluationReport& report) {
  std::vector<std::vector<std::string>> rows;
  for (const ClassFigures& c : report.per_class)
    rows.push_back({name_text(c.name), std::to_string(c.images), percent_text(c.precision),
                    percent_text(c.recall), percent_text(c.f1),
                    c.images > 0 ? percent_text(c.recall_interval()) : "–"});
  return "<h2>Classes</h2>\n" +
         html_table({"class", "pictures", "precision %", "recall %", "F1 %", "95 % of recall"}, rows) +
         "<p class=\"soft\">Recall: the share of the class that is found. Precision: the share of the "
         "answers with this class that are right. F1: their harmonic mean. The interval holds the true "
         "recall 95 times of 100 (Wilson).</p>\n";
}

}  // namespace

std::string percent_text(double share) {
  return fmt::format("{:.2f}", 100 * share);
}

std::string percent_text(const std::pair<double, double>& interval) {
  return fmt::format("{:.1f} to {:.1f}", 100 * interval.first, 100 * interval.second);
}

std::string evaluation_html(const EvaluationReport& report, const Dataset& dataset) {
  return confusion_html(report) + confused_pairs_html(report, dataset) + class_table(report) +
         quality_html(report) + mistakes_html(report, dataset) + right_answers_html(report, dataset);
}

}  // namespace thaw
