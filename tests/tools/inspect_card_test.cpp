// A checkpoint tells of the run that it comes from.
#include <nlohmann/json.hpp>

#include "tests/tools/programs.h"
#include "tools/network/run_card.h"

namespace thaw::testing {
namespace {

TEST_CASE("inspect shows what a file's weights come from") {
  const TempFolder folder;
  make_pictures(folder.file("data"));
  const std::vector<std::string> more{"--freeze", "upto:layer2", "--stop-after", "2"};
  REQUIRE(run("train", with(quick_training(folder.file("data") + "/", folder.file("out")), more)).code == 0);
  const std::string file = folder.file("out") + "/last.safetensors";
  const Outcome shown = run("inspect", {file});
  INFO(shown.out);
  REQUIRE(shown.code == 0);
  CHECK(shown.out.find("run: Thaw 0.1.0, 2026-01-01: train --batch-size 6 --data data --epochs 6 --freeze "
                       "upto:layer2 --input-size 16 --lr 0.01 --model resnet20\n") == 0);
  CHECK(shown.out.find("data: 18 training and 6 validation pictures of 2 classes\n") != std::string::npos);
  CHECK(shown.out.find("plan: freeze upto:layer2: ") != std::string::npos);
  CHECK(shown.out.find("epoch: 2 of 6  train loss ") != std::string::npos);
  CHECK(shown.out.find("2 classes: dark, light\n") != std::string::npos);
  CHECK(shown.out.find(folder.file("")) == std::string::npos);

  const auto json = nlohmann::ordered_json::parse(run("inspect", {file, "--json"}).out);
  CHECK(json["run"]["epoch"] == 2);
  const auto trainable = [](const nlohmann::ordered_json& inspected, const std::string& name) {
    for (const auto& tensor : inspected["tensors"])
      if (tensor["name"] == name) return tensor["trainable"].get<bool>();
    FAIL(name);
    return false;
  };
  CHECK_FALSE(trainable(json, "conv1.weight"));  // as it was trained
  CHECK(trainable(json, "layer3.0.conv1.weight"));
  const auto asked = nlohmann::ordered_json::parse(run("inspect", {file, "--json", "--freeze", "none"}).out);
  CHECK(trainable(asked, "conv1.weight"));
  CHECK(shown.out.find("input: 3x16x16, crop 1, mean ") != std::string::npos);
  CHECK(json["classes"] == std::vector<std::string>{"dark", "light"});

  // Weights that are trained on tell of the new run only.
  REQUIRE(run("train", {"--data", folder.file("data"), "--weights", file, "--epochs", "1", "--workers", "0",
                        "--output", folder.file("next")})
              .code == 0);
  CHECK(
      run("inspect", {folder.file("next") + "/best.safetensors"}).out.find("--weights last.safetensors\n") !=
      std::string::npos);
}

TEST_CASE("the plan of a restored epoch of the head alone is that epoch's") {
  const TempFolder folder;
  make_pictures(folder.file("data"));
  std::vector<std::string> arguments = quick_training(folder.file("data"), folder.file("out"));
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "--lr") arguments[i + 1] = "1e-30";
  // Nothing changes, so the first epoch, of the head alone, stays the best.
  const Outcome outcome =
      run("train", with(arguments, {"--freeze-epochs", "1", "--patience", "2", "--bn", "frozen"}));
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  REQUIRE(outcome.err.find("stopped early") != std::string::npos);
  for (const char* file : {"/last.safetensors", "/best.safetensors"}) {
    const std::string shown = run("inspect", {folder.file("out") + file}).out;
    CHECK(shown.find("epoch: 1 of 6") != std::string::npos);
    CHECK(shown.find("plan: freeze backbone: 57 of 59 parameter tensors frozen") != std::string::npos);
  }
}

TEST_CASE("a run card that is none, or holds what a terminal would obey") {
  CHECK_THROWS_WITH(RunCard::parse("{\"version\":3}", "a.safetensors"),
                    "a.safetensors: what it tells of its run is not what Thaw writes");
  RunCard card;
  card.command = "train \x1b[2J\nnext";
  const std::string text = RunCard::parse(card.json(), "f").text();
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("\nnext") == std::string::npos);
}

}  // namespace
}  // namespace thaw::testing
