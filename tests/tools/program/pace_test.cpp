#include "tools/program/pace.h"

#include <doctest/doctest.h>

namespace thaw {
namespace {

TEST_CASE("pace: at most once in a period, counted from the last time") {
  const Pace::Time start{};
  const auto at = [&start](int seconds) { return start + std::chrono::seconds(seconds); };
  Pace pace(std::chrono::seconds(10), start);
  CHECK_FALSE(pace.due(at(9)));
  CHECK(pace.due(at(12)));
  CHECK_FALSE(pace.due(at(21)));
  CHECK(pace.due(at(22)));
  pace.restart(at(30));
  CHECK_FALSE(pace.due(at(39)));
  CHECK(pace.due(at(40)));
}

}  // namespace
}  // namespace thaw
