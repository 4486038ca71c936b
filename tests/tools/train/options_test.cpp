// The options of train, each by what it changes in a run.
#include <nlohmann/json.hpp>

#include "io/weights/weights.h"
#include "tensor/tensor.h"
#include "tests/tools/programs.h"
#include "tools/report/metrics_log.h"

namespace thaw::testing {
namespace {

// A small data set with a network trained on it for an epoch, and runs that start from that.
class Runs {
 public:
  Runs() {
    make_pictures(data());
    REQUIRE(run("train", with(quick_training(data(), folder_.file("base")), {"--stop-after", "1"})).code ==
            0);
  }
  std::string data() const { return folder_.file("data"); }
  std::string base() const { return folder_.file("base") + "/last.safetensors"; }
  std::string file(const std::string& name, const std::string& what = "last.safetensors") const {
    return folder_.file(name) + "/" + what;
  }
  Outcome train(const std::string& name, const std::vector<std::string>& more,
                const std::string& lr = "0.01") const {
    return run("train", with({"--data", data(), "--weights", base(), "--batch-size", "6", "--workers", "0",
                              "--lr", lr, "--output", folder_.file(name)},
                             more));
  }
  Outcome resume(const std::string& name) const {
    return run("train", {"--resume", "--output", folder_.file(name)});
  }

 private:
  TempFolder folder_;
};

std::vector<float> tensor(const std::string& file, const std::string& name) {
  const LoadedWeights weights = read_weights(file);
  const Tensor* found = weights.tensors.find(name);
  REQUIRE(found != nullptr);
  return to_contiguous(*found);
}

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const std::string head = "linear.weight", last_stage = "layer3.2.conv2.weight", first = "conv1.weight";

TEST_CASE(
    "train --freeze-epochs: first the head alone, then the plan; the same bytes wherever it is stopped") {
  const Runs runs;
  for (const char* optimizer : {"sgd", "adamw"}) {
    CAPTURE(optimizer);
    const std::vector<std::string> options{"--freeze", "upto:layer2", "--freeze-epochs", "2",
                                           "--epochs", "4",           "--opt",           optimizer};
    const std::string whole = std::string("whole_") + optimizer;
    const Outcome outcome = runs.train(whole, options);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(outcome.err.find("the first 2 epochs train the head only") != std::string::npos);
    CHECK(outcome.err.find("thawed: freeze upto:layer2") != std::string::npos);
    for (const char* stop : {"1", "2", "3"}) {
      CAPTURE(stop);
      const std::string part = std::string("part_") + optimizer + stop;
      REQUIRE(runs.train(part, options + std::vector<std::string>{"--stop-after", stop}).code == 0);
      const bool thawed = stop == std::string("3");
      CHECK((tensor(runs.file(part), last_stage) != tensor(runs.base(), last_stage)) == thawed);
      CHECK(tensor(runs.file(part), head) != tensor(runs.base(), head));
      const Outcome resumed = runs.resume(part);
      INFO(resumed.err);
      REQUIRE(resumed.code == 0);
      CHECK(read_file(runs.file(part)) == read_file(runs.file(whole)));
    }
    CHECK(tensor(runs.file(whole), first) == tensor(runs.base(), first));
    CHECK(tensor(runs.file(whole), last_stage) != tensor(runs.base(), last_stage));
  }
}

TEST_CASE("train --patience: stops when validation no longer gets better, and keeps the best weights") {
  const Runs runs;
  const Outcome outcome = runs.train("run", {"--epochs", "20", "--patience", "3", "--bn", "frozen"}, "1e-12");
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.err.find("stopped early: 3 epochs without a better one") != std::string::npos);
  CHECK(read_metrics(runs.file("run", "metrics.jsonl")).size() == 4);
  CHECK(read_file(runs.file("run")) == read_file(runs.file("run", "best.safetensors")));
}

TEST_CASE("train --sched plateau: the rate falls after --plateau-patience epochs without a lower loss") {
  const Runs runs;
  // Without any learning the loss of validation stays, and every second epoch has waited long enough.
  const std::vector<std::string> options{"--epochs",           "6", "--sched",    "plateau",
                                         "--plateau-patience", "1", "--lr-gamma", "0.5"};
  REQUIRE(runs.train("run", options, "1e-12").code == 0);
  std::vector<double> rates;
  for (const EpochMetrics& m : read_metrics(runs.file("run", "metrics.jsonl"))) rates.push_back(m.lr / 1e-12);
  REQUIRE(rates.size() == 6);
  CHECK(rates.front() == doctest::Approx(1));
  CHECK(rates.back() < 0.6);
  CHECK(std::is_sorted(rates.rbegin(), rates.rend()));
  REQUIRE(runs.train("part", options + std::vector<std::string>{"--stop-after", "3"}, "1e-12").code == 0);
  REQUIRE(runs.resume("part").code == 0);
  CHECK(read_file(runs.file("part")) == read_file(runs.file("run")));
}

TEST_CASE("train --cache-features: the same bytes as without, and only for pictures that do not vary") {
  const Runs runs;
  const std::vector<std::string> options{"--freeze", "upto:layer2", "--epochs", "3", "--no-aug"};
  REQUIRE(runs.train("plain", options).code == 0);
  const Outcome cached = runs.train("cached", options + std::vector<std::string>{"--cache-features"});
  INFO(cached.err);
  REQUIRE(cached.code == 0);
  CHECK(cached.err.find("features: the output of layer2 is kept") != std::string::npos);
  CHECK(weights_in(runs.file("cached")) == weights_in(runs.file("plain")));
  CHECK(runs.train("augmented", {"--epochs", "1", "--cache-features"}).code == 2);
  REQUIRE(runs.train("varied", {"--freeze", "upto:layer2", "--epochs", "3"}).code == 0);
  CHECK(weights_in(runs.file("varied")) != weights_in(runs.file("plain")));
}

TEST_CASE("train --class-weights, --label-smoothing, --backbone-lr-mult change what they should") {
  const Runs runs;
  const std::vector<std::string> options{"--freeze", "upto:layer2", "--epochs", "1"};
  REQUIRE(runs.train("plain", options).code == 0);
  const std::string plain = weights_in(runs.file("plain"));

  REQUIRE(runs.train("smooth", options + std::vector<std::string>{"--label-smoothing", "0.3"}).code == 0);
  CHECK(weights_in(runs.file("smooth")) != plain);

  REQUIRE(runs.train("still", options + std::vector<std::string>{"--backbone-lr-mult", "0"}).code == 0);
  CHECK(tensor(runs.file("still"), last_stage) == tensor(runs.base(), last_stage));
  CHECK(tensor(runs.file("still"), head) != tensor(runs.base(), head));

  // Equally many pictures of each class: balanced weights are 1.
  REQUIRE(runs.train("equal", options + std::vector<std::string>{"--class-weights", "balanced"}).code == 0);
  CHECK(weights_in(runs.file("equal")) == plain);
  for (const char* name : {"0", "1", "2", "3"})
    fs::remove(fs::path(runs.data()) / "train" / "dark" / (std::string(name) + ".png"));
  REQUIRE(runs.train("fewer", options).code == 0);
  REQUIRE(runs.train("balanced", options + std::vector<std::string>{"--class-weights", "balanced"}).code ==
          0);
  CHECK(weights_in(runs.file("balanced")) != weights_in(runs.file("fewer")));
}

}  // namespace
}  // namespace thaw::testing
