// Cases from a CSV file through train, evaluate and predict; grey pictures.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "io/weights/weights.h"
#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

using Strings = std::vector<std::string>;

// Two views of a case and two numbers, of which only `sign` knows the class. 16 cases to train on, 8 to
// validate.
std::string make_cases(const TempFolder& folder, int size) {
  make_pictures(folder.file("p"), 12, 0, size);
  std::string text = "path,path2,age,sign,label,split\n";
  for (int i = 0; i < 24; ++i) {
    const std::string name = std::to_string(i / 2) + ".png";
    text += "p/train/dark/" + name + ",p/train/light/" + name + "," + std::to_string(40 + i) + "," +
            (i % 2 == 0 ? "-3,healthy," : "7,ill,") + (i < 16 ? "train\n" : "val\n");
  }
  write_file(folder.file("cases.csv"), text);
  return folder.file("cases.csv");
}

Strings training(const std::string& csv, const std::string& model, const std::string& output) {
  return {"--data", csv,    "--model",  model, "--input-size", "48", "--batch-size", "4",   "--opt", "adamw",
          "--lr",   "0.01", "--epochs", "4",   "--workers",    "1",  "--output",     output};
}

TEST_CASE("CSV cases: the scratch CNN learns, resumes to the same bytes, is evaluated and predicts") {
  const TempFolder folder;
  const std::string csv = make_cases(folder, 48), whole = folder.file("whole"), parts = folder.file("parts");
  const Outcome first = run("train", training(csv, "scratch_cnn", whole));
  INFO(first.err);
  REQUIRE(first.code == 0);
  CHECK(first.err.find("data: 16 training and 8 validation cases of 2 classes (healthy 8, ill 8)") !=
        std::string::npos);
  CHECK(first.err.find("data: a case has 2 pictures and 2 features: age, sign") != std::string::npos);
  CHECK(first.err.find("input: 1x48x48, crop 1, mean 0.5, std 0.5; colour pictures become grey") !=
        std::string::npos);

  REQUIRE(run("train", with(training(csv, "scratch_cnn", parts), {"--stop-after", "1"})).code == 0);
  const Outcome second = run("train", {"--resume", "--output", parts});
  INFO(second.err);
  REQUIRE(second.code == 0);
  CHECK(read_file(parts + "/last.safetensors") == read_file(whole + "/last.safetensors"));

  const std::string best = whole + "/best.safetensors";
  const LoadedWeights weights = read_weights(best);
  CHECK(weights.tensors.at("classifier.4.weight").shape() == Shape{1, 128});
  const auto description = nlohmann::json::parse(weights.metadata);
  CHECK(description["views"] == 2);
  CHECK(description["features"][1]["name"] == "sign");
  CHECK(description["features"][1]["mean"] == 2.0);
  CHECK(description["features"][1]["std"] == 5.0);

  const Outcome scored = run("evaluate", {"--weights", best, "--data", csv, "--json"});
  INFO(scored.err);
  REQUIRE(scored.code == 0);
  const auto report = nlohmann::json::parse(scored.out);
  CHECK(report["images"] == 8);
  CHECK(report["top1"] == 1.0);  // `sign` gives the class away
  CHECK(report["auc"] == 1.0);

  const std::string a = folder.file("p/train/dark/11.png"), b = folder.file("p/train/light/11.png");
  const Outcome said = run("predict", {"--weights", best, "--format", "json", "--logits", "--features",
                                       "63,7", "--features", "62,-3", a, b, a, b});
  INFO(said.err);
  REQUIRE(said.code == 0);
  const auto predictions = nlohmann::json::parse(said.out);
  REQUIRE(predictions.size() == 2);
  CHECK(predictions[0]["label"] == "ill");
  CHECK(predictions[1]["label"] == "healthy");
  CHECK(predictions[0]["views"] == nlohmann::json{a, b});
  CHECK(predictions[0]["logits"].size() == 1);

  // The program that trained, evaluate and predict see the same cases, standardised alike.
  const auto metrics = nlohmann::json::parse([&] {
    const std::string log = read_file(whole + "/metrics.jsonl");
    return log.substr(log.rfind('\n', log.size() - 2) + 1);
  }());
  const Outcome last = run("evaluate", {"--weights", whole + "/last.safetensors", "--data", csv, "--json"});
  REQUIRE(last.code == 0);
  CHECK(nlohmann::json::parse(last.out)["loss"].get<double>() ==
        doctest::Approx(metrics["val_loss"].get<double>()).epsilon(1e-6));
  Strings all{"--weights", best, "--format", "json", "--logits"};
  for (int i = 16; i < 24; ++i) {
    all.push_back("--features");
    all.push_back(std::to_string(40 + i) + (i % 2 == 0 ? ",-3" : ",7"));
  }
  for (int i = 16; i < 24; ++i)
    for (const char* view : {"dark", "light"})
      all.push_back(folder.file("p/train/") + view + "/" + std::to_string(i / 2) + ".png");
  const Outcome each = run("predict", all);
  INFO(each.err);
  REQUIRE(each.code == 0);
  double loss = 0;
  for (const auto& p : nlohmann::json::parse(each.out))
    loss -= std::log(p["probability"].get<double>()) / 8;                      // all are right
  CHECK(loss == doctest::Approx(report["loss"].get<double>()).epsilon(1e-5));  // other batches, f32

  // The cases that evaluate names are those of the largest losses by predict's account.
  const Outcome worst =
      run("evaluate", {"--weights", best, "--data", csv, "--top-losses", "3", "--batch-size", "5", "--json"});
  REQUIRE(worst.code == 0);
  const auto top = nlohmann::json::parse(worst.out)["top_losses"];
  REQUIRE(top.size() == 3);
  std::vector<std::pair<double, int>> losses;
  int row = 16;
  for (const auto& p : nlohmann::json::parse(each.out))
    losses.emplace_back(std::log(p["probability"].get<double>()), row++);
  std::sort(losses.begin(), losses.end());
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [minus_loss, line] = losses[i];
    const std::string name = std::to_string(line / 2) + ".png";
    CHECK(top[i]["image"] == "p/train/dark/" + name);
    CHECK(top[i]["views"] == nlohmann::json{"p/train/dark/" + name, "p/train/light/" + name});
    CHECK(top[i]["label"] == (line % 2 == 0 ? "healthy" : "ill"));
    CHECK(top[i]["predicted"] == top[i]["label"]);
    CHECK(top[i]["loss"].get<double>() == doctest::Approx(-minus_loss).epsilon(1e-4));  // other batches, f32
  }

  // A PyTorch file says its views and features by the width of its classifier.
  std::string named = read_file(csv);
  named.replace(named.find("age,sign"), 8, "feature1,feature2");
  write_file(folder.file("named.csv"), named);
  REQUIRE(run("convert", {best, folder.file("best.pth")}).code == 0);
  const Outcome pth = run("evaluate", {"--weights", folder.file("best.pth"), "--model", "scratch_cnn",
                                       "--input-size", "48", "--data", folder.file("named.csv"), "--json"});
  INFO(pth.err);
  REQUIRE(pth.code == 0);
  CHECK(nlohmann::json::parse(pth.out)["images"] == 8);

  // The description goes with the weights, and convert knows by it what they must be.
  REQUIRE(run("convert", {best, folder.file("c.safetensors"), "--model", "scratch_cnn"}).code == 0);
  CHECK(run("evaluate", {"--weights", folder.file("c.safetensors"), "--data", csv, "--json"}).out ==
        scored.out);
  CHECK(run("convert", {best, folder.file("d.safetensors"), "--model", "resnet18"})
            .err.find("holds a scratch_cnn") != std::string::npos);

  const auto error = [&](const Strings& more, const std::string& text, int code = 2) {
    const Outcome outcome = run("predict", with({"--weights", best}, more));
    CHECK(outcome.code == code);
    CHECK_MESSAGE(outcome.err.find(text) != std::string::npos, outcome.err);
  };
  error({"--features", "1,2", a}, "1 pictures, but a case of this model has 2");
  error({a, b}, "the model takes --features age,sign once for each case: 0 given for 1 cases");
  error({"--features", "1", a, b}, "--features '1': 1 numbers, but the model takes 2");
  error({"--features", "1,x", a, b}, "--features '1,x': numbers with commas between");
  error({"--input-size", "64", "--features", "1,2", a, b},
        "--input-size 64: these weights of scratch_cnn are for 48");
  const Outcome folders = run("evaluate", {"--weights", best, "--data", folder.file("p")});
  CHECK(folders.code == 1);
  CHECK_MESSAGE(folders.err.find("class folders") != std::string::npos, folders.err);
}

TEST_CASE("CSV cases: one training step on one logit is binary cross-entropy, weighted and smoothed") {
  const TempFolder folder;
  const std::string csv = make_cases(folder, 48);
  const Outcome plain =
      run("train", with(training(csv, "scratch_cnn", folder.file("a")), {"--stop-after", "1"}));
  const Outcome other =
      run("train", with(training(csv, "scratch_cnn", folder.file("b")),
                        {"--stop-after", "1", "--label-smoothing", "0.2", "--val-split", "0.5"}));
  INFO(other.err);
  REQUIRE(plain.code == 0);
  REQUIRE(other.code == 0);
  CHECK(other.err.find("data: --val-split is not used: there is a column split") != std::string::npos);
  CHECK(plain.err.find("--val-split") == std::string::npos);
  CHECK(weights_in(folder.file("a") + "/last.safetensors") !=
        weights_in(folder.file("b") + "/last.safetensors"));
}

TEST_CASE(
    "CSV cases: a pretrained ResNet takes views and numbers at a new head, and colour weights for grey") {
  const TempFolder folder;
  const std::string csv = make_cases(folder, 16), data = folder.file("data"), base = folder.file("base");
  make_pictures(data);
  REQUIRE(run("train", with(quick_training(data, base), {"--stop-after", "1"})).code == 0);
  const Strings tuned{"--data",    csv, "--weights",    base + "/last.safetensors",
                      "--epochs",  "1", "--batch-size", "4",
                      "--workers", "0", "--freeze",     "backbone",
                      "--output"};
  const Outcome colour = run("train", with(tuned, {folder.file("colour")}));
  INFO(colour.err);
  REQUIRE(colour.code == 0);
  CHECK(colour.err.find("replaced linear.weight, linear.bias (another number of inputs)") !=
        std::string::npos);
  CHECK(colour.err.find("grey pictures are repeated to RGB") != std::string::npos);
  const LoadedWeights one = read_weights(folder.file("colour") + "/last.safetensors");
  CHECK(one.tensors.at("linear.weight").shape() == Shape{2, 2 * 64 + 2});
  CHECK(run("evaluate", {"--weights", folder.file("colour") + "/last.safetensors", "--data", csv}).code == 0);

  const Outcome grey = run("train", with(tuned, {folder.file("grey"), "--in-chans", "1"}));
  INFO(grey.err);
  REQUIRE(grey.code == 0);
  CHECK(grey.err.find("weights: conv1.weight summed over its 3 channels, for pictures of 1") !=
        std::string::npos);
  CHECK(grey.err.find("input: 1x16x16, crop 1, mean 0.449, std 0.226; colour pictures become grey") !=
        std::string::npos);
  const std::vector<float> from = to_contiguous(one.tensors.at("conv1.weight"));
  const LoadedWeights two = read_weights(folder.file("grey") + "/last.safetensors");
  CHECK(two.tensors.at("conv1.weight").shape() == Shape{16, 1, 3, 3});
  const std::vector<float> sum = to_contiguous(two.tensors.at("conv1.weight"));
  for (std::size_t o = 0; o < 16; ++o)
    for (std::size_t k = 0; k < 9; ++k)
      CHECK(sum[o * 9 + k] ==
            doctest::Approx(from[o * 27 + k] + from[o * 27 + 9 + k] + from[o * 27 + 18 + k]).epsilon(1e-6));
  CHECK(run("evaluate", {"--weights", folder.file("grey") + "/last.safetensors", "--data", csv}).code == 0);
}

TEST_CASE("CSV cases: kept features of frozen stages change nothing") {
  const TempFolder folder;
  const std::string csv = make_cases(folder, 48);
  for (const char* name : {"kept", "fresh"}) {
    const Strings more = name == std::string("kept") ? Strings{"--cache-features"} : Strings{};
    const Outcome outcome =
        run("train", with(with(training(csv, "scratch_cnn", folder.file(name)),
                               {"--no-aug", "--freeze", "upto:features.16", "--stop-after", "2"}),
                          more));
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK((outcome.err.find("features: the output of ") != std::string::npos) ==
          (name == std::string("kept")));
  }
  CHECK(weights_in(folder.file("kept") + "/last.safetensors") ==
        weights_in(folder.file("fresh") + "/last.safetensors"));
}

TEST_CASE("CSV cases: errors of train name file and line; the model's views must be there") {
  const TempFolder folder;
  const std::string csv = make_cases(folder, 16);
  write_file(folder.file("bad.csv"), "path,label,x\np/train/dark/0.png,a,one\n");
  const Outcome bad = run("train", training(folder.file("bad.csv"), "resnet20", folder.file("out")));
  CHECK(bad.code == 1);
  CHECK(bad.err.find("bad.csv:2: 'one' in column 'x' is no finite number") != std::string::npos);
  const Outcome small = run("train", {"--data", csv, "--model", "scratch_cnn", "--input-size", "32",
                                      "--output", folder.file("out")});
  CHECK(small.code != 0);
  CHECK(small.err.find("use --input-size 46 or more") != std::string::npos);
}

}  // namespace
}  // namespace thaw::testing
