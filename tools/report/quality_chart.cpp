#include "tools/report/quality_chart.h"

#include <fmt/format.h>

#include "tools/evaluate/calibration.h"
#include "tools/evaluate/wilson_interval.h"
#include "tools/report/axis.h"
#include "tools/report/html.h"
#include "tools/report/pictures.h"
#include "tools/report/svg.h"

namespace thaw {

namespace {

constexpr double width = 420, height = 372, left = 64, right = 402, top = 14, bottom = 312;
constexpr Axis share;  // 0 to 1 in steps of 0.2

double x_of(double value) {
  return share.place(value, left, right);
}

double y_of(double value) {
  return share.place(value, bottom, top);
}

std::string frame(const std::string& title, const std::string& across, const std::string& up) {
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", width, height,
                                html_escape(title));
  for (int i = 0; i < share.ticks(); ++i) {
    const double x = x_of(share.tick(i)), y = y_of(share.tick(i));
    svg += svg_line(i == 0 ? "axis" : "grid", left, y, right, y);
    svg += svg_line(i == 0 ? "axis" : "grid", x, top, x, bottom);
    svg += svg_text("label", left - 8, y + 5, Anchor::end, share.text(i, 100));
    svg += svg_text("label", x, bottom + 22, Anchor::middle, share.text(i, 100));
  }
  svg += svg_line("mark", x_of(0), y_of(0), x_of(1), y_of(1));
  svg += svg_text("", (left + right) / 2, height - 8, Anchor::middle, across);
  return svg + fmt::format("<g transform=\"rotate(-90 18 {0:.0f})\">{1}</g>\n", (top + bottom) / 2,
                           svg_text("", 18, (top + bottom) / 2, Anchor::middle, up));
}

std::string roc(const EvaluationReport& report, const std::vector<RocPoint>& points) {
  // A point of every case would make the page as long as the data.
  constexpr double apart = 0.002;
  std::string path;
  RocPoint last{-1, -1};
  for (std::size_t i = 0; i < points.size(); ++i) {
    const RocPoint& p = points[i];
    const bool near =
        p.false_positive - last.false_positive < apart && p.true_positive - last.true_positive < apart;
    if (near && i + 1 < points.size()) continue;
    path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "" : " ", x_of(p.false_positive),
                        y_of(p.true_positive));
    last = p;
  }
  return "<h2>ROC curve</h2>\n<div class=\"square\">" +
         frame("ROC curve", "false positive rate, %", "true positive rate, %") +
         fmt::format("<polyline class=\"series1 curve\" points=\"{}\"/>\n</svg></div>\n", path) +
         fmt::format(
             "<p class=\"soft\">For <b>{}</b> against <b>{}</b>: each point is a threshold on the "
             "probability. Up: the share of {} that is found. Across: the share of {} that is taken for it. "
             "The dashed line is guessing. The area under the curve (AUC) is {:.4f}.</p>\n",
             html_escape(name_text(report.classes[1])), html_escape(name_text(report.classes[0])),
             html_escape(name_text(report.classes[1])), html_escape(name_text(report.classes[0])),
             report.auc.value_or(0));
}

std::string reliability(const EvaluationReport& report) {
  const Calibration figures = calibration(report);
  std::string svg = frame("Reliability diagram", "confidence, %", "accuracy, %");
  std::string path;
  for (const ReliabilityBin& bin : figures.bins) {
    if (bin.images == 0) continue;
    const double x = x_of(bin.confidence), y = y_of(bin.accuracy);
    const auto right_ones = static_cast<std::int64_t>(bin.accuracy * static_cast<double>(bin.images) + 0.5);
    const auto [low, high] = wilson_interval(right_ones, bin.images);
    svg += svg_line("series1", x, y_of(low), x, y_of(high));
    svg += fmt::format(
        "<circle class=\"series1\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"><title>{} pictures</title></circle>\n",
        x, y, bin.images);
    path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "" : " ", x, y);
  }
  svg += fmt::format("<polyline class=\"series1 curve\" points=\"{}\"/>\n</svg>", path);
  return "<h2>Reliability diagram</h2>\n<div class=\"square\">" + svg +
         fmt::format(
             "</div>\n<p class=\"soft\">The answers by their probability, in ten groups: how often they are "
             "right, with the 95 % interval. On the dashed line a probability of 80 % is right 80 % of the "
             "time; below it the network is too sure. Expected calibration error (ECE): {:.2f} %.</p>\n",
             100 * figures.error);
}

}  // namespace

std::string quality_html(const EvaluationReport& report) {
  const std::vector<RocPoint> points = roc_curve(report);
  return points.empty() ? reliability(report) : roc(report, points);
}

}  // namespace thaw
