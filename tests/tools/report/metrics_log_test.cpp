// A run's log is what its state knows: whatever happens to metrics.jsonl, a resumed run makes it whole.
#include <cmath>

#include "tests/tools/programs.h"
#include "tools/train/state.h"

namespace thaw::testing {
namespace {

// Without what a clock says.
std::string figures(const std::string& path) {
  std::string text;
  for (const EpochMetrics& m : read_metrics(path))
    text += std::to_string(m.epoch) + " " + std::to_string(m.train_loss) + " " + std::to_string(m.val_loss) +
            "\n";
  return text;
}

TEST_CASE("train: a lost, cut, doubled or foreign metrics.jsonl is made whole by --resume") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 4, 2);
  const std::string first = folder.file("first"), whole = folder.file("whole");
  // A rate at which the validation loss soon rises: the page then speaks of an epoch in the middle.
  std::vector<std::string> command = quick_training(folder.file("data"), first);
  REQUIRE(run("train", with(command, {"--stop-after", "2"})).code == 0);
  const std::string log = read_file(first + "/metrics.jsonl");
  const std::string line = log.substr(0, log.find('\n') + 1);
  fs::copy(first, whole, fs::copy_options::recursive);
  REQUIRE(run("train", {"--resume", "--stop-after", "3", "--output", whole}).code == 0);

  for (const std::string& damage :
       {std::string(), std::string("no file"), line, line + line + line, log.substr(0, log.size() - 20),
        std::string("garbage\n\0[[[[", 13), log + log + log}) {
    CAPTURE(damage);
    const std::string part = folder.file("part");
    fs::remove_all(part);
    fs::copy(first, part, fs::copy_options::recursive);
    if (damage == "no file")
      fs::remove(part + "/metrics.jsonl");
    else
      write_file(part + "/metrics.jsonl", damage);
    const Outcome outcome = run("train", {"--resume", "--stop-after", "3", "--output", part});
    CAPTURE(outcome.err);
    CHECK(outcome.code == 0);
    CHECK(figures(part + "/metrics.jsonl") == figures(whole + "/metrics.jsonl"));
    CHECK(read_file(part + "/metrics.jsonl").starts_with(log));
    CHECK(read_file(part + "/last.safetensors") == read_file(whole + "/last.safetensors"));
  }
}

TEST_CASE("train: what cannot be written for people does not end a run's training") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 4, 2);
  const std::string out = folder.file("out");
  REQUIRE(run("train", with(quick_training(folder.file("data"), out), {"--stop-after", "1"})).code == 0);
  fs::remove(out + "/report.html");
  fs::create_directories(out + "/report.html/in the way");
  const Outcome page = run("train", {"--resume", "--stop-after", "2", "--output", out});
  CAPTURE(page.err);
  CHECK(page.code == 0);
  CHECK(page.err.find("warning: no page was written: " + out + "/report.html") != std::string::npos);
  // A folder in the log's place is told before anything is trained.
  fs::remove(out + "/metrics.jsonl");
  fs::create_directories(out + "/metrics.jsonl/in the way");
  const Outcome log = run("train", {"--resume", "--stop-after", "3", "--output", out});
  CHECK(log.code == 1);
  CHECK(log.err.find("error: " + out + "/metrics.jsonl") != std::string::npos);
  CHECK(log.err.find("epoch 3/") == std::string::npos);
}

TEST_CASE("training state: its epochs are those that are done") {
  const TempFolder folder;
  const std::string path = folder.file("train_state.safetensors");
  TrainState state;
  state.description.model = "resnet20";
  state.description.preprocess = {.input_size = 16, .channels = 1, .mean = {0}, .std = {1}};
  state.position.epochs_done = 2;
  state.epochs.resize(2);
  state.epochs[0].epoch = 1, state.epochs[1].epoch = 2;
  state.epochs[1].val_loss = std::nan("");
  write_train_state(path, state);
  const TrainState back = read_train_state(path);
  REQUIRE(back.epochs.size() == 2);
  CHECK(metrics_line(back.epochs[1]) == metrics_line(state.epochs[1]));
  state.epochs[1].epoch = 3;
  write_train_state(path, state);
  CHECK_THROWS_WITH(read_train_state(path), doctest::Contains("its epochs are not 1, 2"));
  state.epochs.pop_back();
  write_train_state(path, state);
  CHECK_THROWS_WITH(read_train_state(path), doctest::Contains("tells of 1 epochs, but 2 are done"));
  state.position.best_epoch = 3;
  write_train_state(path, state);
  CHECK_THROWS_WITH(read_train_state(path), doctest::Contains("its position is none of a run"));
  state.position.best_epoch = 0;
  state.range_test.chosen = 0.1;
  state.range_test.lr = {0.1, 0.2};
  state.range_test.loss = {1};
  write_train_state(path, state);
  CHECK_THROWS_WITH(read_train_state(path), doctest::Contains("its range test has 2 rates and 1 losses"));
}

}  // namespace
}  // namespace thaw::testing
