#include "tools/program/progress.h"

#include <doctest/doctest.h>

namespace thaw {
namespace {

TEST_CASE("progress: batches, rate and the time that is left, as far as the terminal is wide") {
  const ProgressState state{.images = 100,
                            .all_images = 400,
                            .batches = 5,
                            .all_batches = 20,
                            .images_per_second = 10,
                            .loss = 0.5,
                            .data_wait_fraction = 0.25};
  CHECK(progress_line("epoch 1/3", state, 200) ==
        "epoch 1/3 [##########" + std::string(30, '-') +
            "]  25%  batch 5/20  10 images/s  loss 0.5000  ETA 0:30  "
            "data wait 25%");
  const std::string narrow = progress_line("epoch 1/3", state, 80);
  CHECK(narrow.size() <= 80);
  CHECK(narrow.find("batch 5/20") != std::string::npos);
  CHECK(narrow.find("ETA 0:30") != std::string::npos);
  ProgressState unknown;
  CHECK(progress_line("x", unknown, 80).find("batch") == std::string::npos);
}

}  // namespace
}  // namespace thaw
