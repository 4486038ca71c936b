#include "tools/compare/scatter.h"

#include <doctest/doctest.h>

namespace thaw {
namespace {

TEST_CASE("scatter: places follow the values, names do not lie over one another, powers of ten have names") {
  const std::string svg = scatter_svg(
      "a < b",
      {{"0", 1000, 0.5, 0.1, "series1"}, {"all", 1e6, 0.5, 0, "series1"}, {"<1>", 1e6, 0.5, 0, "series2"}},
      true);
  CHECK(svg.find("aria-label=\"a &lt; b\"") != std::string::npos);
  CHECK(svg.find("cx=\"58.0\"") != std::string::npos);
  CHECK(svg.find("cx=\"386.0\"") != std::string::npos);
  CHECK(svg.find(">1k</text>") != std::string::npos);
  CHECK(svg.find(">1M</text>") != std::string::npos);
  CHECK(svg.find("&lt;1&gt;</text>") != std::string::npos);
  CHECK(svg.find("the scale begins at ") != std::string::npos);
  const auto height = [&svg](const std::string& name) {
    const std::size_t end = svg.find("\" text-anchor=\"end\">" + name + "</text>"),
                      begin = svg.rfind('"', end - 1);
    return std::stod(svg.substr(begin + 1, end));
  };
  CHECK(height("&lt;1&gt;") - height("all") == doctest::Approx(17));
  // One point of no cost at all still has a frame.
  CHECK(scatter_svg("x", {{"0", 0, 0, 0, "series1"}}, false).find("nan") == std::string::npos);
  CHECK(scatter_svg("x", {}, false).empty());
}

}  // namespace
}  // namespace thaw
