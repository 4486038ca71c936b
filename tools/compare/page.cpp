#include "tools/compare/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/compare/learning_curves.h"
#include "tools/compare/scatter.h"
#include "tools/compare/ties.h"
#include "tools/report/html.h"
#include "tools/report/svg.h"

namespace thaw {

namespace {

bool all_tested(const std::vector<CompareRow>& rows) {
  return std::all_of(rows.begin(), rows.end(), [](const CompareRow& row) { return row.test().has_value(); });
}

std::vector<double> shown(const CompareRow& row, bool tested) {
  return tested ? *row.test() : row.validation();
}

// From accuracy to x: a frame that holds all values, in steps of 5 %.
struct Scale {
  double low = 1, high = 0;
  static constexpr double left = 16, right = 704;

  void add(double v) {
    low = std::min(low, std::floor(v * 20 - 0.2) / 20);
    high = std::max(high, std::ceil(v * 20 + 0.2) / 20);
  }
  void close() { low = std::max(low, 0.0), high = std::min(high, 1.0); }
  double x(double v) const { return left + (right - left) * (v - low) / (high - low); }
};

}  // namespace

std::string compare_chart(const std::vector<CompareRow>& rows) {
  const bool tested = all_tested(rows);
  constexpr double row_height = 48, top = 10;
  Scale scale;
  for (const CompareRow& row : rows)
    for (const double v : shown(row, tested)) scale.add(v);
  scale.close();
  const double bottom = top + row_height * static_cast<double>(rows.size());
  std::string svg =
      fmt::format("<svg viewBox=\"0 0 720 {:.0f}\" role=\"img\" aria-label=\"{} accuracy of each plan\">\n",
                  bottom + 28, tested ? "Test" : "Validation");
  const double range = scale.high - scale.low, step = std::max(0.01, nice_step(range, 7));
  const auto last = static_cast<int>(std::floor(scale.high / step + 1e-9));
  for (auto k = static_cast<int>(std::ceil(scale.low / step - 1e-9)); k <= last; ++k) {
    const double v = k * step;
    svg += svg_line("grid", scale.x(v), top, scale.x(v), bottom) +
           svg_text("label", scale.x(v), bottom + 22, Anchor::middle, fmt::format("{:.0f}", 100 * v));
  }
  double y = top;
  for (const CompareRow& row : rows) {
    const std::vector<double> values = shown(row, tested);
    const Spread s = spread(values);
    const std::string series = series_of(row.plan);
    svg += svg_text("", Scale::left, y + 17, Anchor::start, row.plan.title);
    const double line = y + 31;
    for (const double v : values)
      svg += fmt::format(
          "<circle class=\"{}\" fill-opacity=\".35\" stroke-opacity=\".35\" cx=\"{:.1f}\" "
          "cy=\"{:.1f}\" r=\"4\"/>",
          series, scale.x(v), line);
    svg += fmt::format(
        "<line class=\"{0}\" stroke-width=\"3\" x1=\"{1:.1f}\" x2=\"{2:.1f}\" y1=\"{3:.1f}\" "
        "y2=\"{3:.1f}\"/><line class=\"{0}\" stroke-width=\"3\" x1=\"{4:.1f}\" x2=\"{4:.1f}\" "
        "y1=\"{5:.1f}\" y2=\"{6:.1f}\"/>\n",
        series, scale.x(std::max(scale.low, s.mean - s.error.value_or(0))),
        scale.x(std::min(scale.high, s.mean + s.error.value_or(0))), line, scale.x(s.mean), line - 8,
        line + 8);
    y += row_height;
  }
  return svg + "</svg>\n";
}

std::string compare_page(const std::vector<CompareRow>& rows, const std::string& command,
                         const std::vector<std::string>& data_notes) {
  if (rows.empty()) return html_page("How many blocks to thaw", "");
  const bool tested = all_tested(rows);
  std::string receipts;
  for (const CompareRow& row : rows)
    for (const CompareResult& r : row.results)
      receipts += fmt::format("{}, lr {:g}, seed {}: {}\n", row.plan.key, r.lr, r.seed, r.receipt);
  std::string body = "<h1>How many blocks to thaw?</h1>\n";
  body += "<p>" + html_escape(verdict(rows)) + "</p>\n";
  if (!tested)
    body +=
        "<p class=\"soft\">There are no test pictures: the epoch was chosen on the pictures that are shown "
        "here, so all accuracies are a little too good.</p>\n";
  body += fmt::format(
      "<p class=\"soft\">{} accuracy in %: a dot per seed, the mean and its standard error.</p>\n",
      tested ? "Test" : "Validation");
  if (!data_notes.empty())
    body += "<h2>What the scan of the pictures found</h2>\n<pre>" +
            html_escape(fmt::format("{}", fmt::join(data_notes, "\n"))) + "</pre>\n";
  const auto cells = compare_cells(rows);
  body += compare_chart(rows) + "<h2>In numbers</h2>\n" +
          html_table(cells.front(), {cells.begin() + 1, cells.end()});
  body +=
      "<p class=\"soft\">Accuracies in %: mean ± standard error over the seeds. The epoch is chosen on "
      "validation. Differences are paired: the same seed with both plans. Peak MB: of the tensors on the "
      "device, in training and validation. The last column is the 95 % interval of the difference to the "
      "best "
      "plan, of 2000 resamples of pictures and seeds (paired bootstrap); where it holds 0, the two are "
      "tied.</p>\n";
  body += cost_charts(rows, tested) + learning_curves_html(rows);
  if (const std::string features = compare_features(rows); !features.empty())
    body += "<h2>Kept features</h2>\n<p class=\"soft\">Not part of s / epoch, once per picture.</p>\n<pre>" +
            html_escape(features) + "</pre>\n";
  body += "<h2>Frozen bits</h2>\n<pre>" + html_escape(receipts) + "</pre>\n";
  body += "<h2>Options</h2>\n<pre>" + html_escape(command) + "</pre>\n";
  return html_page("How many blocks to thaw", body);
}

}  // namespace thaw
