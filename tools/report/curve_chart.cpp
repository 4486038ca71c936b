#include "tools/report/curve_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/report/html.h"
#include "tools/report/svg.h"

namespace thaw {

namespace {

constexpr double width = 540, left = 58, right = 408, top = 34, bottom = 252;

// From values to places, in steps that people count in.
struct Frame {
  double low = 0, high = 1, step = 0.2;
  std::size_t epochs = 1;

  explicit Frame(const CurveChart& chart) {
    double least = HUGE_VAL, most = -HUGE_VAL;
    for (const Curve& curve : chart.curves) {
      epochs = std::max(epochs, curve.values.size());
      for (const double v : curve.values)
        if (std::isfinite(v)) least = std::min(least, v), most = std::max(most, v);
    }
    if (least > most) return;
    // A curve that hardly moves must not look as if it did.
    const double range = std::max({most - least, 0.05 * std::abs(most), 1e-6});
    step = nice_step(range, 5);
    low = std::max(0.0, std::floor(least / step - 0.1) * step);
    high = std::ceil((low + range) / step - 0.1) * step;
    while (high < most) high += step;
    if (chart.percent) high = std::min(high, 1.0);
    if (high - low < step) low = high - step;
  }

  double x(std::size_t epoch) const {
    if (epochs == 1) return (left + right) / 2;
    return left + (right - left) * static_cast<double>(epoch - 1) / static_cast<double>(epochs - 1);
  }
  double y(double value) const { return bottom - (bottom - top) * (value - low) / (high - low); }
};

std::string value_axis(const Frame& frame, bool percent) {
  std::string svg;
  const double unit = percent ? 100 : 1;
  const int digits = std::max(0, static_cast<int>(-std::floor(std::log10(frame.step * unit) + 1e-9)));
  for (int i = 0; frame.low + i * frame.step <= frame.high + 1e-9 * frame.step; ++i) {
    const double value = frame.low + i * frame.step, y = frame.y(value);
    svg += svg_line("grid", left, y, right, y);
    svg += svg_text("label", left - 8, y + 5, Anchor::end, fmt::format("{:.{}f}", unit * value, digits));
  }
  return svg;
}

std::string epoch_axis(const Frame& frame) {
  std::string svg;
  const auto step = frame.epochs <= 8
                        ? std::size_t{1}
                        : static_cast<std::size_t>(nice_step(static_cast<double>(frame.epochs), 6));
  for (std::size_t e = step; e <= frame.epochs; e += step)
    svg += svg_text("label", frame.x(e), bottom + 24, Anchor::middle, std::to_string(e));
  return svg + svg_text("label", width, bottom + 24, Anchor::end, "epoch");
}

std::string curve_svg(const Frame& frame, const Curve& curve, std::size_t number) {
  std::string points, dots;
  for (std::size_t i = 0; i < curve.values.size(); ++i) {
    if (!std::isfinite(curve.values[i])) continue;
    const double x = frame.x(i + 1), y = frame.y(curve.values[i]);
    points += fmt::format("{}{:.1f},{:.1f}", points.empty() ? "" : " ", x, y);
    if (frame.epochs <= 30)
      dots += fmt::format("<circle class=\"series{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", number, x, y);
  }
  return fmt::format("<polyline class=\"series{} curve\" points=\"{}\"/>{}\n", number, points, dots);
}

// The names stand at the curves' ends, pushed apart where those meet.
std::string curve_names(const Frame& frame, const std::vector<Curve>& curves) {
  constexpr double apart = 22;
  std::vector<std::pair<double, const Curve*>> ends;
  for (const Curve& curve : curves)
    if (!curve.values.empty() && std::isfinite(curve.values.back()))
      ends.emplace_back(frame.y(curve.values.back()), &curve);
  std::sort(ends.begin(), ends.end());
  for (std::size_t i = 1; i < ends.size(); ++i)
    ends[i].first = std::max(ends[i].first, ends[i - 1].first + apart);
  const double x = frame.x(frame.epochs) + 10;
  const double over = ends.empty() ? 0 : std::max(0.0, ends.back().first - bottom);
  std::string svg;
  for (const auto& [y, curve] : ends) svg += svg_text("", x, y - over + 5, Anchor::start, curve->name);
  return svg;
}

}  // namespace

std::string CurveChart::svg() const {
  const Frame frame(*this);
  std::string svg = fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n", width,
                                bottom + 36, html_escape(title));
  svg += value_axis(frame, percent) + epoch_axis(frame);
  if (marked_epoch > 0) {
    const double x = frame.x(static_cast<std::size_t>(marked_epoch));
    const bool late = x > (left + right) / 2;
    svg += svg_line("mark", x, top - 14, x, bottom);
    svg += svg_text("", late ? x - 6 : x + 6, top - 16, late ? Anchor::end : Anchor::start, mark);
  }
  for (std::size_t i = 0; i < curves.size(); ++i) svg += curve_svg(frame, curves[i], i + 1);
  return svg + curve_names(frame, curves) + "</svg>\n";
}

}  // namespace thaw
