#include "optim/schedule.h"

#include <doctest/doctest.h>

#include "kernels/error.h"

namespace thaw {
namespace {

TEST_CASE("constant and step") {
  CHECK(Schedule{.lr = 0.5, .total = 10}.at(7) == 0.5);
  const Schedule step{.kind = ScheduleKind::step, .lr = 1.0, .total = 10, .step_size = 3, .gamma = 0.5};
  const double expected[] = {1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125};
  for (int i = 0; i < 10; ++i) CHECK(step.at(i) == doctest::Approx(expected[i]));
}

TEST_CASE("cosine: ends, middle, after the end") {
  const Schedule cosine{.kind = ScheduleKind::cosine, .lr = 1.0, .total = 8, .min_lr = 0.2};
  CHECK(cosine.at(0) == 1.0);
  CHECK(cosine.at(4) == doctest::Approx(0.6));
  CHECK(cosine.at(2) == doctest::Approx(0.2 + 0.4 * (1 + 0.70710678118654752)));
  CHECK(cosine.at(8) == doctest::Approx(0.2));
  CHECK(cosine.at(100) == doctest::Approx(0.2));
}

TEST_CASE("warm-up is linear and hands over as timm does") {
  Schedule cosine{.kind = ScheduleKind::cosine, .lr = 1.0, .total = 10, .warmup = 2, .warmup_lr = 0.1};
  CHECK(cosine.at(0) == doctest::Approx(0.1));
  CHECK(cosine.at(1) == doctest::Approx(0.55));
  CHECK(cosine.at(1.5) == doctest::Approx(0.775));
  // Without the prefix the cosine has run since 0: (1 + cos(pi / 5)) / 2.
  CHECK(cosine.at(2) == doctest::Approx(0.90450849718747373));
  cosine.warmup_prefix = true;
  CHECK(cosine.at(2) == doctest::Approx(1.0));
  CHECK(cosine.at(6) == doctest::Approx(0.5));
  CHECK(cosine.at(10) == doctest::Approx(0.0));
}

TEST_CASE("a warm-up as long as the run has no schedule after it") {
  const Schedule cosine{.kind = ScheduleKind::cosine,
                        .lr = 1.0,
                        .total = 2,
                        .warmup = 2,
                        .warmup_prefix = true,
                        .min_lr = 0.25};
  CHECK(cosine.at(2) == 0.25);
}

TEST_CASE("names") {
  CHECK(schedule_kind("cosine") == ScheduleKind::cosine);
  CHECK_THROWS_WITH_AS(schedule_kind("cosin"),
                       "no schedule 'cosin'; there are constant, step, cosine, plateau", Error);
}

}  // namespace
}  // namespace thaw
