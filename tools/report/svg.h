// Pieces of the pictures on html_page's pages.
#pragma once

#include <string>

namespace thaw {

// 1, 2 or 5 times a power of ten, so that a range > 0 gets about `count` steps: at most twice, at least half.
double nice_step(double range, int count);

// `css` is a class of html_page's.
std::string svg_line(const std::string& css, double x1, double y1, double x2, double y2);

enum class Anchor { start, middle, end };
// `text` is escaped. `css` may be empty.
std::string svg_text(const std::string& css, double x, double y, Anchor anchor, const std::string& text);

}  // namespace thaw
