// What bench says of DenseNet's two forms: their memory; no times are tested.
#include "tools/bench/dense.h"

#include <doctest/doctest.h>

#include "tests/support/devices.h"
#include "tools/bench/step.h"

namespace thaw {
namespace {

TEST_CASE("bench: the sliced form of DenseNet needs less memory than the plain one") {
  for (const auto& backend : test::backends()) {
    if (backend->name() == "reference") continue;
    CAPTURE(backend->name());
    const auto block = [&](DenseForm form) {
      return bench::time_dense_block(
          *backend,
          {.in = 16, .growth = 8, .layers = 4, .size = 14, .batch = 4, .type = DType::f32, .repeats = 1},
          form);
    };
    CHECK(block(DenseForm::slices).peak_bytes < block(DenseForm::concat).peak_bytes);
    const auto step = [&](DenseForm form) {
      return bench::time_steps(*backend, {.model = "densenet_bc_22_8",
                                          .freeze = "upto:transition1",
                                          .batch = 4,
                                          .input_size = 32,
                                          .type = DType::f32,
                                          .repeats = 1,
                                          .dense_form = form});
    };
    CHECK(step(DenseForm::slices).train_peak_bytes < step(DenseForm::concat).train_peak_bytes);
  }
}

TEST_CASE("bench: a step's answers are told one by one") {
  for (const auto& backend : test::backends()) {
    if (backend->name() == "reference") continue;
    CAPTURE(backend->name());
    const auto told = [&](const std::string& task) {
      std::vector<std::string> tasks;
      bench::time_steps(*backend,
                        {.model = "densenet_bc_10_4",
                         .freeze = "none",
                         .batch = 2,
                         .input_size = 8,
                         .repeats = 1,
                         .task = task},
                        [&](const std::string& of, double seconds, std::size_t peak_bytes) {
                          CHECK(seconds > 0.0);
                          CHECK(peak_bytes > 0);
                          tasks.push_back(of);
                        });
      return tasks;
    };
    CHECK(told("both") == std::vector<std::string>{"train", "inference"});
    CHECK(told("train") == std::vector<std::string>{"train"});
    CHECK(told("inference") == std::vector<std::string>{"inference"});
    CHECK_THROWS_WITH_AS(told("add"), "bench: --step has no 'add'; --only is train or inference", Error);
  }
}

}  // namespace
}  // namespace thaw
