#include "tools/report/page.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <regex>

#include "tools/report/curve_chart.h"
#include "tools/report/evaluation.h"
#include "tools/report/html.h"
#include "tools/report/svg.h"

namespace thaw {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

EpochMetrics epoch(int number, double train_loss, double val_loss, double val_accuracy) {
  EpochMetrics m;
  m.epoch = number;
  m.train_loss = train_loss, m.val_loss = val_loss;
  m.train_accuracy = 0.5, m.val_accuracy = val_accuracy;
  return m;
}

// Three classes, of which the second has two pictures, both taken for the first, and the third has none.
ReportPage page_of_two_epochs() {
  ReportPage page;
  page.title = "net on <i>data</i>";
  page.command = "train --data 'a&b'";
  page.data = "data: 4 pictures\n";
  page.training = "training: 2 epochs\n";
  page.freeze = "freeze upto:layer2";
  page.freeze_table = {{"stage", "parameters"}, {"conv1", "432"}};
  page.freeze_verdict = "12 of 444 are trained";
  page.receipt = "7 frozen tensors, 0 bits changed";
  page.epochs = {epoch(1, 0.9, 0.7, 0.625), epoch(2, 0.4, 0.8, 0.5)};
  page.planned_epochs = 5;
  page.best_epoch = 1;
  page.train_images = 40, page.val_images = 8;
  page.best = evaluation_report({2, 0, 0, 2, 0, 0, 9, 0, 0, 3, 0, 0}, 3, {0, 0, 1, 1}, {"a", "<b>&", "c"});
  Dataset dataset;
  dataset.classes = page.best.classes;
  for (const char* name : {"0", "1", "<script>", "3\n"}) dataset.samples.push_back({"/missing/file", name});
  page.best_details = evaluation_html(page.best, dataset);
  return page;
}

TEST_CASE("report page: every section with its figures; overfitting is named where the curves show it") {
  ReportPage page = page_of_two_epochs();
  const std::string html = report_html(page);
  CHECK(has(html,
            "2 of 5 epochs done. <b>Best epoch 1</b> on 4 validation pictures: accuracy <b>50.00 %</b> "
            "(95 % interval 15.0 to 85.0), balanced accuracy 50.00 %"));
  CHECK(has(html, ">best epoch 1</text>"));
  CHECK(has(html, ">before overfitting: epoch 1</text>"));
  CHECK(has(html,
            "Since epoch 1 the training loss fell from 0.9000 to 0.4000 while the validation loss rose from "
            "0.7000 to 0.8000: by the loss, epoch 1 is the one before overfitting."));
  CHECK(has(html, "<td>1 best</td><td>0.9000</td><td>50.00</td><td>0.7000</td><td>62.50</td>"));
  CHECK(has(html, "<pre>freeze upto:layer2</pre>"));
  CHECK(has(html, "<td>conv1</td><td>432</td>"));
  CHECK(has(html, "12 of 444 are trained"));
  CHECK(has(html, "Receipt: 7 frozen tensors, 0 bits changed."));
  CHECK(has(html, "data: 4 pictures\ntraining: 2 epochs"));
  CHECK(has(html, "train --data &#39;a&amp;b&#39;"));
  CHECK(has(html,
            "<td class=\"wrong\" style=\"--share:1.000\">2</td><td class=\"right\" "
            "style=\"--share:0.000\">0</td>"));
  CHECK(has(html, "<td>a</td><td>2</td><td>50.00</td><td>100.00</td><td>66.67</td><td>34.2 to 100.0</td>"));
  CHECK(has(html, "<td>c</td><td>0</td><td>0.00</td><td>0.00</td><td>0.00</td><td>–</td>"));
  // 20 of 40 and 5 of 8.
  CHECK(has(html, "<td>35.2 to 64.8</td><td>30.6 to 86.3</td>"));

  // The learning rate's axis begins at 0, also where the rate stays the same.
  for (EpochMetrics& m : page.epochs) m.lr = 0.05;
  const std::string rates = report_html(page);
  const std::size_t rate = rates.find("<h3>Learning rate</h3>");
  REQUIRE(rate != std::string::npos);
  CHECK(has(rates.substr(rate, rates.find("</svg>", rate) - rate), ">0.00</text>"));
  // One epoch's interval is a line.
  CurveChart one{"x", {{"", {0.5}, {{0.4, 0.6}}}}};
  CHECK_FALSE(has(one.svg(), "polygon"));
  CHECK(has(one.svg(), "<line class=\"series1\""));

  // Accuracy may still rise while the loss tells of overfitting.
  page.best_epoch = 2;
  const std::string newest = report_html(page);
  CHECK(has(newest,
            "The newest epoch has the best validation accuracy so far. Since epoch 1 the training loss"));
  CHECK(has(newest, ">best epoch 2</text>"));
  page.epochs[1].val_loss = 0.6;
  CHECK_FALSE(has(report_html(page), "overfitting"));
  page.receipt.clear();
  CHECK(has(report_html(page), "The frozen bits are checked at the end of the run."));
}

TEST_CASE("report page: while an epoch is under way it says how far, and only then asks to be read again") {
  ReportPage page = page_of_two_epochs();
  page.card = {{"date", "<today>"}};
  CHECK(has(report_html(page), "<dt>date</dt><dd>&lt;today&gt;</dd>"));
  CHECK_FALSE(has(report_html(page), "http-equiv"));
  page.under_way = EpochUnderWay{3, 7, 20, 0.25, 0.875};
  CHECK(has(report_html(page),
            "Epoch 3 is under way: 7 of 20 batches, training loss 0.2500, accuracy 87.50 % so far."));
  CHECK(has(report_html(page), "http-equiv=\"refresh\" content=\"10\""));
  // The first epoch has no validation yet; that is not the same as having no pictures for it.
  page.under_way->epoch = 1;
  page.epochs.clear();
  page.best = {};
  page.best_details.clear();
  const std::string first = report_html(page);
  CHECK(has(first, "<p>0 of 5 epochs done.</p>"));
  CHECK(has(first, "Epoch 1 is under way"));
  for (const char* absent : {"There are no validation pictures", "Learning curves", "<h2>Epochs</h2>", "nan"})
    CHECK_FALSE_MESSAGE(has(first, absent), absent);
}

TEST_CASE("report page: names of classes and files are text, whatever they hold") {
  const std::string html = report_html(page_of_two_epochs());
  CHECK(has(html, "&lt;b&gt;&amp;"));
  CHECK_FALSE(
      std::regex_search(html, std::regex("<b>&(?!lt;)")));  // the page's own <b> may stand before a name
  CHECK(has(html, "&lt;script&gt;"));
  CHECK_FALSE(has(html, "<script"));
  CHECK(has(html, "<title>net on &lt;i&gt;data&lt;/i&gt;</title>"));
  CHECK(has(html, "(cannot be read any more)"));
}

TEST_CASE("report page: without validation pictures it says so, and shows no figures of them") {
  ReportPage page = page_of_two_epochs();
  page.best = {};
  page.best_details.clear();
  page.val_images = 0;
  page.best_epoch = 2;
  for (EpochMetrics& m : page.epochs) m.val_loss = m.val_accuracy = std::numeric_limits<double>::quiet_NaN();
  const std::string html = report_html(page);
  CHECK(has(html, "There are no validation pictures"));
  CHECK(has(html, "<td>2</td><td>0.4000</td><td>50.00</td><td>–</td><td>–</td>"));
  for (const char* absent : {"Confusion", "Worst mistakes", "best epoch", ">validation<", "nan", "\" band\""})
    CHECK_FALSE_MESSAGE(has(html, absent), absent);
}

TEST_CASE("report page: epochs that are missing from the list are no error") {
  ReportPage page = page_of_two_epochs();
  page.epochs = {epoch(5, 0.9, 0.7, 0.625), epoch(6, 0.4, 0.8, 0.5)};
  CHECK(has(report_html(page), ">before overfitting: epoch 5</text>"));
  page.epochs.clear();
  page.freeze_table.clear();
  CHECK(has(report_html(page), "0 of 5 epochs done"));
}

TEST_CASE("report page: of more than 30 classes the most frequent confusions are listed") {
  std::vector<std::string> classes;
  for (int c = 0; c < 31; ++c) classes.push_back("class" + std::to_string(c));
  std::vector<float> logits(3 * 31, 0.0f);
  logits[5] = logits[31 + 7] = logits[62 + 7] = 1;
  Dataset dataset;
  dataset.samples.resize(3);
  const std::string html = evaluation_html(evaluation_report(logits, 31, {1, 2, 2}, classes), dataset);
  CHECK_FALSE(has(html, "class=\"confusion\""));
  const std::size_t first = html.find("<td>class2</td><td>class7</td><td>2</td>"),
                    second = html.find("<td>class1</td><td>class5</td><td>1</td>");
  CHECK(first < second);
  CHECK(second != std::string::npos);
}

TEST_CASE("curve_chart: places follow the values; one epoch and equal values have a frame too") {
  CurveChart chart{"Loss", {{"training", {1.0, 0.5, 0.0}}}};
  // Values 0 ... 1 in steps of 0.2 between y = 252 and y = 34, epochs between x = 72 and x = 408.
  CHECK(has(chart.svg(), "points=\"72.0,34.0 240.0,143.0 408.0,252.0\""));
  chart.marked_epoch = 2, chart.mark = "best epoch 2";
  CHECK(has(chart.svg(), "<line class=\"mark\" x1=\"240.0\""));
  for (const std::vector<double>& values : {std::vector<double>{0.3}, {0.0, 0.0}, {1.0, 1.0, 1.0}}) {
    chart = {"Accuracy", {{"training", values}}};
    chart.percent = true;
    CHECK_FALSE(has(chart.svg(), "nan"));
    CHECK_FALSE(has(chart.svg(), "inf"));
    CHECK(has(chart.svg(), "class=\"grid\""));
  }
  // An axis says where it begins, below and at the side.
  chart = {"Accuracy in %", {{"validation", {0.7, 0.9}, {{0.65, 0.75}, {0.8, 0.95}}}}};
  chart.percent = true;
  chart.first_epoch = 11;
  const std::string cut = chart.svg();
  CHECK(has(cut, ">the scale begins at 60 %</text>"));
  CHECK(has(cut, "<text class=\"label\" x=\"72.0\" y=\"276.0\" text-anchor=\"middle\">11</text>"));
  CHECK(has(cut, "<polygon class=\"series1 band\" points=\"72.0,"));
  chart.curves[0] = {"", std::vector<double>(40, 0.5)};
  chart.first_epoch = 1;
  CHECK(has(chart.svg(), "x=\"72.0\" y=\"276.0\" text-anchor=\"middle\">1</text>"));
  CHECK(has(chart.svg(), ">40</text>"));
  chart.axis = Axis{};
  CHECK_FALSE(has(chart.svg(), "begins at"));
  CHECK(Axis::over(1e-6, 5e-6).text(1) == "1e-06");
  CHECK(nice_step(1, 5) == doctest::Approx(0.2).epsilon(1e-12));
  CHECK(nice_step(47, 6) == doctest::Approx(10).epsilon(1e-12));
}

}  // namespace
}  // namespace thaw
