#include "tools/report/range_test_section.h"

#include <doctest/doctest.h>

namespace thaw {
namespace {

TEST_CASE(
    "range_test_html: the curve up to where the test ended, and the chosen rate; nothing without a test") {
  CHECK(range_test_html({}).empty());
  RangeTest test;
  for (int i = 0; i < 60; ++i) test.add(2 - 0.02 * i);
  test.choose(0.05);
  const std::string html = range_test_html(test);
  CHECK(html.find("chosen: 0.0125") != std::string::npos);  // a third of 1e-5 * 1e6 ^ (59 / 99)
  for (const char* tick : {">1e-05<", ">0.001<", ">0.1<"}) CHECK(html.find(tick) != std::string::npos);
  CHECK(html.find(">1<") == std::string::npos);
  CHECK(html.find("nan") == std::string::npos);
}

}  // namespace
}  // namespace thaw
