#include "tools/report/curve_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/report/html.h"
#include "tools/report/svg.h"

namespace thaw {

namespace {

constexpr double width = 540, left = 72, right = 408, top = 34, bottom = 252;

struct Frame {
  Axis axis;
  int first = 1;
  std::size_t epochs = 1;

  explicit Frame(const CurveChart& chart)
      : axis(chart.axis ? *chart.axis : chart.fitting_axis()), first(chart.first_epoch) {
    for (const Curve& curve : chart.curves) epochs = std::max(epochs, curve.values.size());
  }

  // Of the epoch at `index`, from 0.
  double x(std::size_t index) const {
    if (epochs == 1) return (left + right) / 2;
    return left + (right - left) * static_cast<double>(index) / static_cast<double>(epochs - 1);
  }
  double y(double value) const { return axis.place(value, bottom, top); }
};

std::string value_axis(const Frame& frame, bool percent) {
  std::string svg;
  const double unit = percent ? 100 : 1;
  for (int i = 0; i < frame.axis.ticks(); ++i) {
    const double y = frame.y(frame.axis.tick(i));
    svg += svg_line(i == 0 ? "axis" : "grid", left, y, right, y);
    svg += svg_text("label", left - 8, y + 5, Anchor::end, frame.axis.text(i, unit));
  }
  if (frame.axis.low > 0)
    svg += svg_text("label", left, bottom + 48, Anchor::start,
                    fmt::format("the scale begins at {}{}", frame.axis.text(0, unit), percent ? " %" : ""));
  return svg;
}

// The first epoch, then those that are multiples of a step and not too near to it.
std::string epoch_axis(const Frame& frame) {
  const auto text = [&](int epoch) {
    return svg_text("label", frame.x(static_cast<std::size_t>(epoch - frame.first)), bottom + 24,
                    Anchor::middle, std::to_string(epoch));
  };
  const int step =
      frame.epochs <= 8 ? 1 : std::max(1, static_cast<int>(nice_step(static_cast<double>(frame.epochs), 6)));
  const int last = frame.first + static_cast<int>(frame.epochs) - 1;
  std::string svg = text(frame.first);
  for (int e = (frame.first / step + 1) * step; e <= last; e += step)
    if (2 * (e - frame.first) >= step) svg += text(e);
  return svg + svg_text("label", width, bottom + 24, Anchor::end, "epoch");
}

std::string band_svg(const Frame& frame, const Curve& curve, std::size_t number) {
  std::string high, low;
  for (std::size_t i = 0; i < curve.intervals.size(); ++i) {
    const auto& [least, most] = curve.intervals[i];
    if (!std::isfinite(least) || !std::isfinite(most)) continue;
    const double x = frame.x(i);
    high += fmt::format("{:.1f},{:.1f} ", x, frame.y(most));
    low = fmt::format("{:.1f},{:.1f} ", x, frame.y(least)) + low;
  }
  if (high.empty()) return "";
  if (curve.intervals.size() == 1)
    return svg_line(fmt::format("series{}", number), frame.x(0), frame.y(curve.intervals[0].first),
                    frame.x(0), frame.y(curve.intervals[0].second));
  return fmt::format("<polygon class=\"series{} band\" points=\"{}{}\"/>\n", number, high, low);
}

std::string curve_svg(const Frame& frame, const Curve& curve, std::size_t number) {
  std::string points, dots;
  for (std::size_t i = 0; i < curve.values.size(); ++i) {
    if (!std::isfinite(curve.values[i])) continue;
    const double x = frame.x(i), y = frame.y(curve.values[i]);
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
  const double x = frame.x(frame.epochs - 1) + 10;
  const double over = ends.empty() ? 0 : std::max(0.0, ends.back().first - bottom);
  std::string svg;
  for (const auto& [y, curve] : ends) svg += svg_text("", x, y - over + 5, Anchor::start, curve->name);
  return svg;
}

}  // namespace

Axis CurveChart::fitting_axis() const {
  double least = HUGE_VAL, most = -HUGE_VAL;
  const auto hold = [&](double v) {
    if (std::isfinite(v)) least = std::min(least, v), most = std::max(most, v);
  };
  for (const Curve& curve : curves) {
    for (const double v : curve.values) hold(v);
    for (const auto& [low, high] : curve.intervals) hold(low), hold(high);
  }
  if (least > most) return {};
  Axis fitting = Axis::over(least, most);
  if (percent) fitting.high = std::min(fitting.high, 1.0);
  if (fitting.high - fitting.low < fitting.step) fitting.low = fitting.high - fitting.step;
  return fitting;
}

std::string CurveChart::svg() const {
  const Frame frame(*this);
  std::string svg = fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n", width,
                                bottom + (frame.axis.low > 0 ? 56 : 36), html_escape(title));
  svg += value_axis(frame, percent) + epoch_axis(frame);
  if (marked_epoch > 0) {
    const double x = frame.x(static_cast<std::size_t>(marked_epoch - first_epoch));
    const bool late = x > (left + right) / 2;
    svg += svg_line("mark", x, top - 14, x, bottom);
    svg += svg_text("", late ? x - 6 : x + 6, top - 16, late ? Anchor::end : Anchor::start, mark);
  }
  const auto number = [](std::size_t i) { return std::min<std::size_t>(i + 1, 3); };
  for (std::size_t i = 0; i < curves.size(); ++i) svg += band_svg(frame, curves[i], number(i));
  for (std::size_t i = 0; i < curves.size(); ++i) svg += curve_svg(frame, curves[i], number(i));
  return svg + curve_names(frame, curves) + "</svg>\n";
}

}  // namespace thaw
