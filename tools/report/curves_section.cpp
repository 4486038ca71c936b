#include "tools/report/curves_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/report/curve_chart.h"
#include "tools/report/html.h"

namespace thaw {

namespace {

bool validated(const ReportPage& page) {
  return page.best.images > 0;
}

std::vector<double> values(const std::vector<EpochMetrics>& epochs, double EpochMetrics::*field) {
  std::vector<double> all;
  all.reserve(epochs.size());
  for (const EpochMetrics& m : epochs) all.push_back(m.*field);
  return all;
}

// The epoch of the lowest validation loss, if the training loss fell since and the validation loss is higher;
// else null.
const EpochMetrics* before_overfitting(const ReportPage& page) {
  if (page.epochs.empty()) return nullptr;
  const EpochMetrics& last = page.epochs.back();
  const EpochMetrics& low =
      *std::min_element(page.epochs.begin(), page.epochs.end(),
                        [](const EpochMetrics& a, const EpochMetrics& b) { return a.val_loss < b.val_loss; });
  return last.train_loss < low.train_loss && last.val_loss > low.val_loss ? &low : nullptr;
}

// What the curves say; no more than the figures do.
std::string after_best(const ReportPage& page) {
  if (page.epochs.empty()) return "";
  const EpochMetrics& last = page.epochs.back();
  std::string text = "<p>";
  if (page.best_epoch == last.epoch)
    text += "The newest epoch has the best validation accuracy so far.";
  else
    text += fmt::format("No epoch after {} had a better validation accuracy.", page.best_epoch);
  if (const EpochMetrics* low = before_overfitting(page))
    text += fmt::format(
        " Since epoch {0} the training loss fell from {1:.4f} to {2:.4f} while the validation loss rose from "
        "{3:.4f} to {4:.4f}: by the loss, epoch {0} is the one before overfitting.",
        low->epoch, low->train_loss, last.train_loss, low->val_loss, last.val_loss);
  return text + "</p>\n";
}

}  // namespace

std::string curves_html(const ReportPage& page) {
  if (page.epochs.empty()) return "";
  CurveChart loss{"Loss", {{"training", values(page.epochs, &EpochMetrics::train_loss)}}};
  CurveChart rate{"Learning rate", {{"", values(page.epochs, &EpochMetrics::lr)}}};
  CurveChart accuracy{"Accuracy in %", {{"training", values(page.epochs, &EpochMetrics::train_accuracy)}}};
  accuracy.percent = true;
  // A rate that stays the same is a level line, whatever it is.
  double highest = 0;
  for (const EpochMetrics& m : page.epochs) highest = std::max(highest, m.lr);
  rate.axis = Axis::over(0, highest);
  if (validated(page)) {
    loss.curves.push_back({"validation", values(page.epochs, &EpochMetrics::val_loss)});
    accuracy.curves.push_back({"validation", values(page.epochs, &EpochMetrics::val_accuracy)});
    for (const EpochMetrics& m : page.epochs)
      accuracy.curves.back().intervals.push_back(accuracy_interval(m.val_accuracy, page.val_images));
    loss.marked_epoch = accuracy.marked_epoch = page.best_epoch;
    loss.mark = accuracy.mark = fmt::format("best epoch {}", page.best_epoch);
    if (const EpochMetrics* low = before_overfitting(page)) {
      loss.marked_epoch = low->epoch;
      loss.mark = fmt::format("before overfitting: epoch {}", low->epoch);
    }
  }
  std::string text = "<h2>Learning curves</h2>\n<div class=\"charts\">\n";
  for (CurveChart* chart : {&loss, &accuracy, &rate}) {
    chart->first_epoch = page.epochs.front().epoch;
    text += "<div><h3>" + html_escape(chart->title) + "</h3>\n" + chart->svg() + "</div>\n";
  }
  text +=
      "</div>\n<p class=\"soft\">Training figures are means over an epoch, in which the network changes; " +
      std::string(validated(page) ? "those of validation are of its end, and the band is the 95 % interval. "
                                  : "") +
      "The learning rate is that of an epoch's last step.</p>\n";
  return validated(page) ? text + after_best(page) : text;
}

}  // namespace thaw
