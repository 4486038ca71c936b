#include "tools/report/svg.h"

#include <fmt/format.h>

#include <cmath>

#include "tools/report/html.h"

namespace thaw {

double nice_step(double range, int count) {
  const double rough = range / count, power = std::pow(10, std::floor(std::log10(rough)));
  const double lead = rough / power;
  return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

std::string svg_line(const std::string& css, double x1, double y1, double x2, double y2) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", css,
                     x1, y1, x2, y2);
}

std::string svg_text(const std::string& css, double x, double y, Anchor anchor, const std::string& text) {
  const char* side = anchor == Anchor::start ? "start" : anchor == Anchor::middle ? "middle" : "end";
  return fmt::format("<text{} x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                     css.empty() ? "" : " class=\"" + css + "\"", x, y, side, html_escape(text));
}

}  // namespace thaw
