#include "tools/report/page.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "tools/evaluate/wilson_interval.h"
#include "tools/report/curves_section.h"
#include "tools/report/evaluation.h"
#include "tools/report/html.h"

namespace thaw {

namespace {

std::string under_way(const EpochUnderWay& epoch) {
  if (epoch.batches_done == 0) return "";
  return fmt::format(
      "<p>Epoch {} is under way: {} of {} batches, training loss {:.4f}, accuracy {} % so far.</p>\n",
      epoch.epoch, epoch.batches_done, epoch.batches, epoch.loss, percent_text(epoch.accuracy));
}

std::string summary(const ReportPage& page) {
  const int done = static_cast<int>(page.epochs.size());
  const std::string epochs = fmt::format("<p>{} of {} epochs done.", done, page.planned_epochs);
  if (page.val_images == 0)
    return epochs +
           " <b>There are no validation pictures</b>, so nothing says which epoch is the best: "
           "best.safetensors "
           "holds the newest weights.</p>\n";
  if (page.best.images == 0) return epochs + "</p>\n";
  return epochs + fmt::format(
                      " <b>Best epoch {}</b> on {} validation pictures: accuracy <b>{} %</b> (95 % interval "
                      "{}), balanced "
                      "accuracy {} %, loss {:.4f}{}. best.safetensors holds its weights.</p>\n",
                      page.best_epoch, page.best.images, percent_text(page.best.top1),
                      percent_text(page.best.top1_interval()), percent_text(page.best.balanced_accuracy),
                      page.best.loss, page.best.auc ? fmt::format(", AUC {:.4f}", *page.best.auc) : "");
}

std::string epoch_table(const ReportPage& page) {
  if (page.epochs.empty()) return "";
  std::vector<std::vector<std::string>> rows;
  const auto number = [](double v) { return std::isnan(v) ? std::string("–") : fmt::format("{:.4f}", v); };
  const auto percent = [](double v) { return std::isnan(v) ? std::string("–") : percent_text(v); };
  const auto interval = [](double v, std::int64_t images) {
    return std::isnan(v) || images == 0 ? std::string("–") : percent_text(accuracy_interval(v, images));
  };
  for (const EpochMetrics& m : page.epochs)
    rows.push_back(
        {std::to_string(m.epoch) + (page.best.images > 0 && m.epoch == page.best_epoch ? " best" : ""),
         number(m.train_loss), percent(m.train_accuracy), number(m.val_loss), percent(m.val_accuracy),
         fmt::format("{:.3g}", m.lr), fmt::format("{:.1f}", m.seconds),
         fmt::format("{:.0f}", m.images_per_second), interval(m.train_accuracy, page.train_images),
         interval(m.val_accuracy, page.val_images)});
  return "<h2>Epochs</h2>\n" +
         html_table({"epoch", "training loss", "training %", "validation loss", "validation %", "lr",
                     "seconds", "images/s", "95 % of training", "95 % of validation"},
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

std::pair<double, double> accuracy_interval(double accuracy, std::int64_t images) {
  if (!std::isfinite(accuracy)) return {std::nan(""), std::nan("")};
  return wilson_interval(std::llround(accuracy * static_cast<double>(images)), images);
}

std::string report_html(const ReportPage& page) {
  std::string body = "<h1>" + html_escape(page.title) + "</h1>\n" + summary(page);
  if (page.under_way) body += under_way(*page.under_way);
  body += html_card(page.card) + curves_html(page);
  if (page.best.images > 0) body += page.best_details;
  body += page.data_details + freeze_plan(page) + page.range_test + epoch_table(page);
  body += "<h2>Data and training</h2>\n<pre>" + html_escape(page.data + page.training) + "</pre>\n";
  body += "<h2>Command</h2>\n<pre>" + html_escape(page.command) + "</pre>\n";
  return html_page(page.title, body, page.under_way ? page.reload_seconds : 0);
}

}  // namespace thaw
