// train, run as a user runs it.
#include <nlohmann/json.hpp>

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

TEST_CASE("train: a stopped and resumed run, and one with other workers, leave the same bytes") {
  const TempFolder folder;
  make_pictures(folder.file("data"));
  const std::string whole = folder.file("whole"), parts = folder.file("parts"),
                    workers = folder.file("workers");
  const Outcome first = run("train", quick_training(folder.file("data"), whole));
  INFO(first.err);
  REQUIRE(first.code == 0);
  CHECK(first.err.find(" frozen tensors, 0 bits changed") != std::string::npos);

  REQUIRE(run("train", with(quick_training(folder.file("data"), parts), {"--stop-after", "3"})).code == 0);
  CHECK(weights_in(parts + "/last.safetensors") != weights_in(whole + "/last.safetensors"));
  const Outcome second = run("train", {"--resume", "--output", parts});
  INFO(second.err);
  REQUIRE(second.code == 0);

  std::vector<std::string> other = quick_training(folder.file("data"), workers);
  for (std::size_t i = 0; i + 1 < other.size(); ++i)
    if (other[i] == "--workers") other[i + 1] = "4";
  REQUIRE(run("train", other).code == 0);

  for (const char* name : {"/last.safetensors", "/best.safetensors"}) {
    CHECK(read_file(whole + name).size() > 100000);
    CHECK(read_file(parts + name) == read_file(whole + name));
    CHECK(read_file(workers + name) == read_file(whole + name));
  }
}

TEST_CASE("train: metrics.jsonl to the letter") {
  const TempFolder folder;
  make_pictures(folder.file("data"));
  const Outcome outcome =
      run("train", with(quick_training(folder.file("data"), folder.file("out")), {"--stop-after", "2"}));
  REQUIRE(outcome.code == 0);
  CHECK(outcome.err.find("epoch 2/6") != std::string::npos);
  CHECK(outcome.err.find('\r') == std::string::npos);
  std::istringstream lines(read_file(folder.file("out") + "/metrics.jsonl"));
  std::string line;
  int epoch = 0;
  while (std::getline(lines, line)) {
    const auto json = nlohmann::ordered_json::parse(line);
    std::vector<std::string> keys;
    for (const auto& [key, value] : json.items()) keys.push_back(key);
    CHECK(keys == std::vector<std::string>{"epoch", "train_loss", "train_accuracy", "val_loss",
                                           "val_accuracy", "lr", "images_per_second", "seconds",
                                           "data_wait_fraction"});
    CHECK(json["epoch"] == ++epoch);
  }
  CHECK(epoch == 2);
}

TEST_CASE("train: transfer freezes the backbone, keeps it, and evaluate and predict read the result") {
  const TempFolder folder;
  const std::string data = folder.file("data"), base = folder.file("base"), tuned = folder.file("tuned");
  make_pictures(data);
  REQUIRE(run("train", with(quick_training(data, base), {"--stop-after", "1"})).code == 0);
  const Outcome outcome =
      run("train", {"--data", data, "--weights", base + "/last.safetensors", "--epochs", "2", "--batch-size",
                    "6", "--workers", "0", "--freeze", "backbone", "--output", tuned});
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.err.find("freeze backbone") != std::string::npos);
  CHECK(outcome.err.find("lr 0.0046875 (default)") != std::string::npos);
  CHECK(outcome.err.find("\n0 frozen tensors") == std::string::npos);
  CHECK(outcome.err.find(" frozen tensors, 0 bits changed") != std::string::npos);

  const Outcome scored =
      run("evaluate", {"--weights", tuned + "/best.safetensors", "--data", data, "--json"});
  INFO(scored.err);
  REQUIRE(scored.code == 0);
  const auto json = nlohmann::ordered_json::parse(scored.out);
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"images", "top1", "balanced_accuracy", "loss", "classes",
                                         "confusion", "per_class", "auc", "top1_interval"});
  CHECK(json["images"] == 6);
  CHECK(json["classes"] == std::vector<std::string>{"dark", "light"});
  CHECK(json["per_class"][0].size() == 6);

  const Outcome guessed = run("predict", {"--weights", tuned + "/best.safetensors", "--format", "json",
                                          "--logits", data + "/val/dark/0.png"});
  INFO(guessed.err);
  REQUIRE(guessed.code == 0);
  const auto list = nlohmann::ordered_json::parse(guessed.out);
  REQUIRE(list.size() == 1);
  keys.clear();
  for (const auto& [key, value] : list[0].items()) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"image", "label", "index", "probability", "topk", "logits"});
  CHECK(list[0]["topk"].size() == 2);
  CHECK(list[0]["topk"][0][0] == list[0]["label"]);
}

TEST_CASE("train: --dry-run plans and writes nothing; --config gives options") {
  const TempFolder folder;
  make_pictures(folder.file("data"));
  write_file(folder.file("run.ini"), "model = resnet20\nepochs = 7\n");
  const Outcome outcome = run("train", {"--config", folder.file("run.ini"), "--data", folder.file("data"),
                                        "--input-size", "16", "--dry-run", "--output", folder.file("out")});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(outcome.err.find("7 epochs of") != std::string::npos);
  CHECK(outcome.err.find("18 training and 6 validation pictures of 2 classes") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.file("out")));
  write_file(folder.file("run.ini"), "model = resnet20\nepoch = 7\n");
  CHECK(run("train", {"--config", folder.file("run.ini"), "--data", folder.file("data"), "--dry-run"}).code ==
        2);
}

TEST_CASE("train: a loss that is not finite ends the run and is not saved") {
  const TempFolder folder;
  make_pictures(folder.file("data"));
  std::vector<std::string> arguments = quick_training(folder.file("data"), folder.file("out"));
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "--lr") arguments[i + 1] = "1e30";
  const Outcome outcome = run("train", arguments);
  CHECK(outcome.code == 1);
  CHECK(outcome.err.find("error: epoch 1, batch ") != std::string::npos);
  CHECK(outcome.err.find("this begins in the output of ") != std::string::npos);
  CHECK(outcome.err.find("nothing was saved; start again with a smaller --lr") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.file("out") + "/last.safetensors"));
}

TEST_CASE("train: --lr find leaves no trace but the rate, which a resumed run keeps") {
  const TempFolder folder;
  make_pictures(folder.file("data"));
  const auto arguments = [&](const std::string& output, const std::string& lr) {
    std::vector<std::string> all = quick_training(folder.file("data"), folder.file(output));
    for (std::size_t i = 0; i + 1 < all.size(); ++i)
      if (all[i] == "--lr") all[i + 1] = lr;
    return with(all, {"--freeze-epochs", "1"});
  };
  const Outcome found = run("train", with(arguments("found", "find"), {"--stop-after", "2"}));
  INFO(found.err);
  REQUIRE(found.code == 0);
  REQUIRE(run("train", {"--resume", "--output", folder.file("found")}).code == 0);
  CHECK(read_file(folder.file("found") + "/report.html").find("The range test of --lr find") !=
        std::string::npos);
  const std::string state = read_file(folder.file("found") + "/train_state.safetensors");
  const std::size_t at = state.find("\\\"chosen\\\":");
  REQUIRE(at != std::string::npos);
  const std::string rate = state.substr(at + 11, state.find_first_of(",}", at) - at - 11);
  REQUIRE(run("train", arguments("given", rate)).code == 0);
  CHECK(weights_in(folder.file("found") + "/last.safetensors") ==
        weights_in(folder.file("given") + "/last.safetensors"));
}

}  // namespace
}  // namespace thaw::testing
