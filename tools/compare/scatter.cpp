#include "tools/compare/scatter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "tools/report/axis.h"
#include "tools/report/html.h"
#include "tools/report/svg.h"

namespace thaw {

namespace {

constexpr double width = 420, left = 58, right = 386, top = 16, bottom = 250;

Axis axis_of(const std::vector<ScatterPoint>& points, double (*low)(const ScatterPoint&),
             double (*high)(const ScatterPoint&)) {
  double least = HUGE_VAL, most = -HUGE_VAL;
  for (const ScatterPoint& p : points) least = std::min(least, low(p)), most = std::max(most, high(p));
  return Axis::over(least, most);
}

// Whole powers of ten around the points; values are exponents.
Axis decades(const std::vector<ScatterPoint>& points) {
  Axis axis{HUGE_VAL, -HUGE_VAL, 1};
  for (const ScatterPoint& p : points) {
    axis.low = std::min(axis.low, std::floor(std::log10(p.x)));
    axis.high = std::max(axis.high, std::ceil(std::log10(p.x)));
  }
  if (axis.high <= axis.low) axis.high = axis.low + 1;
  return axis;
}

// "10k" of 4.
std::string power_text(double exponent) {
  constexpr const char* units[] = {"", "k", "M", "G", "T"};
  const int thousands = std::clamp(static_cast<int>(exponent) / 3, 0, 4);
  return fmt::format("{:g}{}", std::pow(10, exponent - 3 * thousands), units[thousands]);
}

// The names beside their dots, pushed down where one would lie over another.
std::string labels(const std::vector<ScatterPoint>& points,
                   const std::vector<std::pair<double, double>>& places) {
  constexpr double apart = 17, reach = 90;
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return places[a].second < places[b].second; });
  std::vector<std::pair<double, double>> put;
  std::string svg;
  for (const std::size_t i : order) {
    auto [x, y] = places[i];
    for (const auto& [other_x, other_y] : put)
      if (std::abs(other_x - x) < reach) y = std::max(y, other_y + apart);
    put.emplace_back(x, y);
    const bool late = x > (left + right) / 2;
    svg += svg_text("", late ? x - 9 : x + 9, y + 5, late ? Anchor::end : Anchor::start, points[i].label);
  }
  return svg;
}

}  // namespace

std::string series_of(const ComparePlan& plan) {
  return !plan.pretrained ? "series2" : plan.bn == "train" ? "series3" : "series1";
}

std::string scatter_svg(const std::string& title, const std::vector<ScatterPoint>& points, bool logarithmic) {
  if (points.empty()) return "";
  Axis up = axis_of(
      points, [](const ScatterPoint& p) { return std::max(0.0, p.y - p.error); },
      [](const ScatterPoint& p) { return std::min(1.0, p.y + p.error); });
  up.high = std::min(up.high, 1.0);
  Axis across = logarithmic ? decades(points)
                            : axis_of(
                                  points, [](const ScatterPoint&) { return 0.0; },
                                  [](const ScatterPoint& p) { return p.x; });
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", width,
                                bottom + 56, html_escape(title));
  for (int i = 0; i < up.ticks(); ++i) {
    const double y = up.place(up.tick(i), bottom, top);
    svg += svg_line(i == 0 ? "axis" : "grid", left, y, right, y) +
           svg_text("label", left - 8, y + 5, Anchor::end, up.text(i, 100));
  }
  for (int i = 0; i < across.ticks(); ++i) {
    const double x = across.place(across.tick(i), left, right);
    const std::string text = logarithmic ? power_text(across.tick(i)) : across.text(i);
    svg += svg_line(i == 0 ? "axis" : "grid", x, top, x, bottom) +
           svg_text("label", x, bottom + 22, Anchor::middle, text);
  }
  if (up.low > 0)
    svg += svg_text("label", left, bottom + 46, Anchor::start,
                    fmt::format("the scale begins at {} %", up.text(0, 100)));
  std::vector<std::pair<double, double>> places;
  for (const ScatterPoint& p : points) {
    const double x = across.place(logarithmic ? std::log10(p.x) : p.x, left, right),
                 y = up.place(p.y, bottom, top);
    svg += svg_line(p.series, x, up.place(std::max(up.low, p.y - p.error), bottom, top), x,
                    up.place(std::min(up.high, p.y + p.error), bottom, top));
    svg += fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"/>\n", p.series, x, y);
    places.emplace_back(x, y);
  }
  return svg + labels(points, places) + "</svg>\n";
}

std::string cost_charts(const std::vector<CompareRow>& rows, bool tested) {
  std::vector<ScatterPoint> seconds, memory, parameters;
  for (const CompareRow& row : rows) {
    const Spread accuracy = spread(tested ? *row.test() : row.validation());
    ScatterPoint point{row.plan.key, 0, accuracy.mean, accuracy.error.value_or(0), series_of(row.plan)};
    const auto n = static_cast<double>(row.results.size());
    double s = 0, bytes = 0;
    for (const CompareResult& r : row.results)
      s += r.seconds / n, bytes += static_cast<double>(r.peak_bytes) / n;
    point.x = s;
    seconds.push_back(point);
    point.x = bytes / 1e6;
    memory.push_back(point);
    point.x = static_cast<double>(std::max<std::int64_t>(1, row.results.front().trainable));
    parameters.push_back(point);
  }
  std::string text = "<h2>What accuracy costs</h2>\n<div class=\"charts\">\n";
  const auto add = [&text](const std::string& title, const std::vector<ScatterPoint>& points,
                           bool logarithmic) {
    text += "<div><h3>" + title + "</h3>\n" + scatter_svg(title, points, logarithmic) + "</div>\n";
  };
  add("Accuracy in % against seconds per epoch", seconds, false);
  add("Accuracy in % against peak memory in MB", memory, false);
  add("Accuracy in % against trained parameters", parameters, true);
  return text +
         "</div>\n<p class=\"soft\">A dot per plan, named as --plans has it: the mean over the seeds and its "
         "standard error. Further up is better, further left is cheaper.</p>\n";
}

}  // namespace thaw
