// evaluate, run as a user runs it: the pictures that it names.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

TEST_CASE("evaluate: --top-losses names the pictures with the largest losses, as predict sees them") {
  const TempFolder folder;
  const std::string data = folder.file("data"), output = folder.file("out");
  make_pictures(data);
  REQUIRE(run("train", with(quick_training(data, output), {"--stop-after", "1"})).code == 0);
  const std::string weights = output + "/last.safetensors";

  std::vector<std::string> arguments{"--weights", weights, "--format", "json", "--logits"};
  for (const char* name : {"dark", "light"})
    for (int i = 0; i < 9; ++i)
      arguments.push_back(data + "/train/" + name + "/" + std::to_string(i) + ".png");
  const Outcome predicted = run("predict", arguments);
  INFO(predicted.err);
  REQUIRE(predicted.code == 0);
  struct Case {
    double loss;
    nlohmann::json prediction;
  };
  std::vector<Case> cases;
  for (const auto& p : nlohmann::json::parse(predicted.out)) {
    const bool light = p["image"].get<std::string>().find("/light/") != std::string::npos;
    const double margin = p["logits"][light].get<double>() - p["logits"][!light].get<double>();
    cases.push_back({std::log1p(std::exp(-margin)), p});
  }
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.loss > b.loss; });

  const std::vector<std::string> evaluation{"--weights", weights,        "--data", data,           "--split",
                                            "train",     "--batch-size", "4",      "--top-losses", "5"};
  const Outcome outcome = run("evaluate", with(evaluation, {"--json"}));
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const auto report = nlohmann::ordered_json::parse(outcome.out);
  const auto& top = report["top_losses"];
  REQUIRE(top.size() == 5);
  const Outcome table = run("evaluate", evaluation);
  std::size_t at = table.out.find("largest losses\n");
  REQUIRE(at != std::string::npos);
  for (std::size_t i = 0; i < top.size(); ++i) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : top[i].items()) keys.push_back(key);
    CHECK(keys == std::vector<std::string>{"image", "label", "predicted", "probability", "loss"});
    const std::string image = top[i]["image"], label = top[i]["label"];
    CHECK(data + "/" + image == cases[i].prediction["image"].get<std::string>());
    CHECK(image.starts_with("train/" + label + "/"));
    CHECK(top[i]["predicted"] == cases[i].prediction["label"]);
    // Other batches: the sums in f32 may be taken in another order.
    CHECK(top[i]["loss"].get<double>() == doctest::Approx(cases[i].loss).epsilon(1e-4));
    CHECK(top[i]["probability"].get<double>() == doctest::Approx(std::exp(-cases[i].loss)).epsilon(1e-4));
    at = table.out.find(" " + image + "\n", at);
    CHECK(at != std::string::npos);
  }
  CHECK_FALSE(nlohmann::json::parse(run("evaluate", {"--weights", weights, "--data", data, "--json"}).out)
                  .contains("top_losses"));
}

TEST_CASE("evaluate: a folder that was split in training must be the same; --split all takes any") {
  const TempFolder folder;
  make_pictures(folder.file("made"), 10, 1);
  const std::string data = folder.file("made/train"), output = folder.file("out"),
                    moved = folder.file("moved");
  REQUIRE(run("train", with(quick_training(data, output), {"--stop-after", "1"})).code == 0);
  const auto evaluate = [&](const std::string& pictures, const std::string& split) {
    return run("evaluate",
               {"--weights", output + "/last.safetensors", "--data", pictures, "--split", split, "--json"});
  };
  const auto images = [](const Outcome& outcome) {
    return nlohmann::json::parse(outcome.out)["images"].get<int>();
  };
  fs::copy(data, moved, fs::copy_options::recursive);
  CHECK(images(evaluate(moved, "val")) == 4);
  CHECK(images(evaluate(moved, "train")) == 16);
  fs::copy_file(folder.file("made/val/dark/0.png"), moved + "/dark/new.png");
  for (const char* split : {"val", "train"}) {
    const Outcome changed = evaluate(moved, split);
    CHECK(changed.code == 1);
    CHECK(changed.err.find("holds other pictures than when the network was trained") != std::string::npos);
    CHECK(changed.err.find("--split all") != std::string::npos);
  }
  CHECK(images(evaluate(moved, "all")) == 21);
}

}  // namespace
}  // namespace thaw::testing
