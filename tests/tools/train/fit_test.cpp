// fit, as a program of one's own calls it: checked as train's command line is, and resumed with what it began with.
#include "tools/train/fit.h"

#include <cmath>
#include <csignal>
#include <functional>

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

TrainOptions quick(const std::string& data, const std::string& output) {
  TrainOptions o;
  o.data.data = data;
  o.data.batch_size = 6;
  o.data.workers = 1;
  o.model.model = "resnet20";
  o.model.input_size = 16;
  o.lr = 0.0123456789;
  o.label_smoothing = 0.1;
  o.epochs = 3;
  o.output = output;
  return o;
}

std::string refusal(TrainOptions options, const std::function<void(TrainOptions&)>& change) {
  change(options);
  try {
    fit(options);
  } catch (const UsageError& e) {
    return e.what();
  }
  return "";
}

void on_signal(int) {}

TEST_CASE("fit refuses the values that train refuses, and writes nothing") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 3, 2);
  const TrainOptions good = quick(folder.file("data"), folder.file("out"));
  CHECK(refusal(good, [](TrainOptions& o) { o.class_weights = "Balanced"; }).find("none, balanced") !=
        std::string::npos);
  CHECK(refusal(good, [](TrainOptions& o) { o.bn = "Frozen"; }).find("auto, frozen, train") !=
        std::string::npos);
  CHECK(refusal(good, [](TrainOptions& o) { o.model.precision = "fp16"; }).find("f32, bf16") !=
        std::string::npos);
  CHECK(refusal(good, [](TrainOptions& o) { o.lr = -0.5; }).find("above 0") != std::string::npos);
  CHECK(refusal(good, [](TrainOptions& o) { o.lr = std::nan(""); }).find("--lr") != std::string::npos);
  CHECK(refusal(good, [](TrainOptions& o) { o.epochs = 0; }).find("--epochs") != std::string::npos);
  CHECK(refusal(good, [](TrainOptions& o) { o.dry_run = true; }).find("dry_run") != std::string::npos);
  CHECK(refusal(good, [](TrainOptions& o) { o.output.clear(); }).find("output is empty") !=
        std::string::npos);
  CHECK_FALSE(fs::exists(folder.file("out")));
}

TEST_CASE("fit resumes with the options of the run, refuses others, and train goes on with its run") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 3, 2);
  TrainOptions options = quick(folder.file("data"), folder.file("parts"));
  options.stop_after = 1;
  REQUIRE(fit(options).epochs.size() == 1);
  TrainOptions more;
  more.output = options.output;
  more.resume = true;
  CHECK(refusal(more, [](TrainOptions& o) {
          o.lr = 0.5;
        }).find("--lr was 0.0123456789 and cannot become 0.5") != std::string::npos);
  more.stop_after = 2;
  REQUIRE(fit(more).epochs.size() == 2);
  REQUIRE(run("train", {"--resume", "--output", options.output}).code == 0);

  TrainOptions whole = quick(folder.file("data"), folder.file("whole"));
  struct sigaction before = {}, after = {};
  before.sa_handler = on_signal;
  sigaction(SIGTERM, &before, nullptr);
  REQUIRE(fit(whole).epochs.size() == 3);
  sigaction(SIGTERM, nullptr, &after);
  CHECK((after.sa_handler == on_signal));
  std::signal(SIGTERM, SIG_DFL);
  CHECK(read_file(folder.file("whole/last.safetensors")) == read_file(folder.file("parts/last.safetensors")));
}

}  // namespace
}  // namespace thaw::testing
