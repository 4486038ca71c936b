#include "tools/report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/report/curve_chart.h"
#include "tools/report/evaluation.h"
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

std::string summary(const ReportPage& page) {
  const int done = static_cast<int>(page.epochs.size());
  if (!validated(page))
    return fmt::format(
        "<p>{} of {} epochs done. <b>There are no validation pictures</b>, so nothing says which epoch is "
        "the "
        "best: best.safetensors holds the newest weights.</p>\n",
        done, page.planned_epochs);
  std::string text = fmt::format(
      "<p>{} of {} epochs done. <b>Best epoch {}</b> on {} validation pictures: accuracy <b>{} %</b>, "
      "balanced "
      "accuracy {} %, loss {:.4f}{}. best.safetensors holds its weights.</p>\n",
      done, page.planned_epochs, page.best_epoch, page.best.images, percent_text(page.best.top1),
      percent_text(page.best.balanced_accuracy), page.best.loss,
      page.best.auc ? fmt::format(", AUC {:.4f}", *page.best.auc) : "");
  return text;
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

std::string curves(const ReportPage& page) {
  CurveChart loss{"Loss", {{"training", values(page.epochs, &EpochMetrics::train_loss)}}};
  CurveChart accuracy{"Accuracy in %", {{"training", values(page.epochs, &EpochMetrics::train_accuracy)}}};
  accuracy.percent = true;
  if (validated(page)) {
    loss.curves.push_back({"validation", values(page.epochs, &EpochMetrics::val_loss)});
    accuracy.curves.push_back({"validation", values(page.epochs, &EpochMetrics::val_accuracy)});
    loss.marked_epoch = accuracy.marked_epoch = page.best_epoch;
    loss.mark = accuracy.mark = fmt::format("best epoch {}", page.best_epoch);
    if (const EpochMetrics* low = before_overfitting(page)) {
      loss.marked_epoch = low->epoch;
      loss.mark = fmt::format("before overfitting: epoch {}", low->epoch);
    }
  }
  std::string text = "<h2>Learning curves</h2>\n<div class=\"charts\">\n";
  for (const CurveChart* chart : {&loss, &accuracy})
    text += "<div><h3>" + html_escape(chart->title) + "</h3>\n" + chart->svg() + "</div>\n";
  text += "</div>\n";
  return validated(page) ? text + after_best(page) : text;
}

std::string epoch_table(const ReportPage& page) {
  std::vector<std::vector<std::string>> rows;
  const auto number = [](double v) { return std::isnan(v) ? std::string("–") : fmt::format("{:.4f}", v); };
  const auto percent = [](double v) { return std::isnan(v) ? std::string("–") : percent_text(v); };
  for (const EpochMetrics& m : page.epochs)
    rows.push_back({std::to_string(m.epoch) + (validated(page) && m.epoch == page.best_epoch ? " best" : ""),
                    number(m.train_loss), percent(m.train_accuracy), number(m.val_loss),
                    percent(m.val_accuracy), fmt::format("{:.3g}", m.lr), fmt::format("{:.1f}", m.seconds),
                    fmt::format("{:.0f}", m.images_per_second)});
  return "<h2>Epochs</h2>\n" + html_table({"epoch", "training loss", "training %", "validation loss",
                                           "validation %", "lr", "seconds", "images/s"},
                                          rows);
}

std::string freeze_plan(const ReportPage& page) {
  std::string text = "<h2>Freeze plan</h2>\n<pre>" + html_escape(page.freeze) + "</pre>\n";
  if (!page.freeze_table.empty())
    text += html_table(page.freeze_table.front(), {page.freeze_table.begin() + 1, page.freeze_table.end()});
  text += "<p class=\"soft\">FLOPs and bytes of a training step are per case. " +
          html_escape(page.freeze_verdict) + "</p>\n";
  return text + "<p>" +
         (page.receipt.empty() ? "The frozen bits are checked at the end of the run."
                               : "Receipt: " + html_escape(page.receipt) + ".") +
         "</p>\n";
}

}  // namespace

std::string report_html(const ReportPage& page) {
  std::string body = "<h1>" + html_escape(page.title) + "</h1>\n" + summary(page) + curves(page);
  if (validated(page)) body += page.best_details;
  body += freeze_plan(page) + epoch_table(page);
  body += "<h2>Data and training</h2>\n<pre>" + html_escape(page.data + page.training) + "</pre>\n";
  body += "<h2>Command</h2>\n<pre>" + html_escape(page.command) + "</pre>\n";
  return html_page(page.title, body);
}

}  // namespace thaw
