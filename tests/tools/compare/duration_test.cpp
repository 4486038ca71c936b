#include "tools/compare/duration.h"

#include <doctest/doctest.h>

namespace thaw {
namespace {

TEST_CASE("run clock: which run it is, and the rest's time by the work of the runs that were trained") {
  RunClock clock;
  clock.plan("small", 2, 1);
  clock.plan("large", 3, 3);
  CHECK(clock.text() == "run 1 of 5");
  clock.end("small", 1, 0);  // was there
  clock.end("small", 1, 5);
  CHECK(clock.text() == "run 3 of 5");  // nothing is known of the large ones
  clock.end("large", 3, 30);
  CHECK(clock.text() == "run 4 of 5, about 1:00 to go");
  clock.end("large", 3, 60);
  CHECK(clock.text() == "run 5 of 5, about 0:45 to go");
}

TEST_CASE("plan_work: the less is trained, the less work; validation is counted") {
  const ComparePlan head{"0", "", "resnet20", true, "backbone"}, all{"all", "", "resnet20", true, "none"};
  const NetworkOptions options{.num_classes = 2};
  CHECK(plan_work(head, options, 32, 0) < 0.5 * plan_work(all, options, 32, 0));
  CHECK(plan_work(head, options, 32, 1) ==
        doctest::Approx(2 * plan_work(head, options, 32, 0)).epsilon(0.01));
}

}  // namespace
}  // namespace thaw
