#include "tools/report/range_test_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/report/axis.h"
#include "tools/report/svg.h"

namespace thaw {

namespace {

constexpr double width = 540, left = 72, right = 500, top = 34, bottom = 252;

std::string curve(const RangeTest& test) {
  const double least = *std::min_element(test.loss.begin(), test.loss.end());
  // Behind the break the loss is of no interest.
  const Axis up = Axis::over(
      least, std::min(2 * test.loss.front(), *std::max_element(test.loss.begin(), test.loss.end())));
  const Axis across{std::floor(std::log10(test.lr.front())), std::ceil(std::log10(test.lr.back())), 1};
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"Loss against learning rate\">\n", width,
      bottom + (up.low > 0 ? 56 : 36));
  for (int i = 0; i < up.ticks(); ++i) {
    const double y = up.place(up.tick(i), bottom, top);
    svg += svg_line(i == 0 ? "axis" : "grid", left, y, right, y) +
           svg_text("label", left - 8, y + 5, Anchor::end, up.text(i));
  }
  for (int i = 0; i < across.ticks(); ++i)
    svg += svg_text("label", across.place(across.tick(i), left, right), bottom + 24, Anchor::middle,
                    fmt::format("{:g}", std::pow(10, across.tick(i))));
  if (up.low > 0)
    svg += svg_text("label", left, bottom + 48, Anchor::start, "the scale begins at " + up.text(0));
  const double chosen = across.place(std::log10(test.chosen), left, right);
  svg += svg_line("mark", chosen, top - 14, chosen, bottom);
  svg += svg_text("", chosen - 6, top - 16, Anchor::end, fmt::format("chosen: {:.3g}", test.chosen));
  std::string points;
  for (std::size_t i = 0; i < test.lr.size(); ++i)
    points += fmt::format("{:.1f},{:.1f} ", across.place(std::log10(test.lr[i]), left, right),
                          up.place(std::min(test.loss[i], up.high), bottom, top));
  return svg + "<polyline class=\"series1 curve\" points=\"" + points + "\"/>\n</svg>\n";
}

}  // namespace

std::string range_test_html(const RangeTest& test) {
  if (test.chosen == 0 || test.loss.empty()) return "";
  return "<h2>The range test of --lr find</h2>\n<div class=\"charts\"><div>\n" + curve(test) +
         "</div></div>\n<p class=\"soft\">A trial before the first epoch, whose weights were put back: the "
         "learning rate "
         "grew from step to step. The curve is the smoothed training loss against the rate." +
         std::string(test.found ? "" : " It falls nowhere, so the default rate was taken.") + "</p>\n";
}

}  // namespace thaw
