// Bad pictures and suspicions, as train and evaluate meet them.
#include <algorithm>

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

void spoil(const std::string& file) {
  const std::string bytes = read_file(file);
  write_file(file, bytes.substr(0, bytes.size() - 40));
}

TEST_CASE("bad pictures: all in one list, or left out and written down; evaluate and --resume go along") {
  const TempFolder folder;
  const std::string data = folder.file("data");
  make_pictures(data);
  spoil(data + "/train/dark/3.png");
  spoil(data + "/train/light/5.png");
  spoil(data + "/val/dark/1.png");
  const auto train = [&](const std::string& output, const std::vector<std::string>& more) {
    return run("train", with(quick_training(data, folder.file(output)), more));
  };
  const Outcome refused = train("refused", {});
  CHECK(refused.code == 1);
  for (const char* name : {"dark/3.png: ", "light/5.png: ", "val/dark/1.png: "})
    CHECK(refused.err.find(name) != std::string::npos);
  CHECK(refused.err.find("(and 2 more pictures cannot be read)") != std::string::npos);
  CHECK(refused.err.find("--on-bad-image skip") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.file("refused")));

  const Outcome many = train("many", {"--on-bad-image", "skip"});
  CHECK(many.code == 1);
  CHECK(many.err.find("2 of 18 pictures cannot be read") != std::string::npos);
  const Outcome headers = train("headers", {"--scan", "headers"});
  CHECK(headers.code == 1);
  CHECK(headers.err.find("bad picture: ") == std::string::npos);

  const std::vector<std::string> skip{"--on-bad-image", "skip", "--max-bad-fraction", "0.2"};
  const Outcome skipped = train("skipped", with(skip, {"--stop-after", "1"}));
  INFO(skipped.err);
  REQUIRE(skipped.code == 0);
  CHECK(skipped.err.find("3 bad pictures are left out") != std::string::npos);
  CHECK(skipped.err.find("16 training and 5 validation pictures") != std::string::npos);
  const std::string list = read_file(folder.file("skipped") + "/bad_images.txt");
  CHECK(std::count(list.begin(), list.end(), '\n') == 3);
  CHECK(run("train", {"--resume", "--output", folder.file("skipped"), "--stop-after", "2"}).code == 0);
  const std::vector<std::string> evaluate{"--data", data, "--weights",
                                          folder.file("skipped") + "/best.safetensors"};
  CHECK(run("evaluate", evaluate).code == 1);
  const Outcome evaluated = run("evaluate", with(evaluate, with(skip, {"--json"})));
  CHECK(evaluated.code == 0);
  CHECK(evaluated.out.find("\"images\":5") != std::string::npos);
}

TEST_CASE(
    "compare looks once: its page and those of its runs tell what was found, and no run says that it was "
    "not") {
  const TempFolder folder;
  const std::string data = folder.file("data"), out = folder.file("out"), base = folder.file("base");
  make_pictures(data);
  fs::copy_file(data + "/train/dark/0.png", data + "/val/dark/copy.png");
  REQUIRE(run("train", with(quick_training(data, base), {"--stop-after", "1"})).code == 0);
  const Outcome outcome =
      run("compare", {"--data", data, "--weights", base + "/last.safetensors", "--plans", "0", "--seeds", "1",
                      "--epochs", "1", "--batch-size", "6", "--workers", "1", "--output", out});
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const std::string found = "1 validation picture looks like a training picture";
  CHECK(read_file(out + "/compare.html").find(found) != std::string::npos);
  std::size_t runs = 0;
  for (const auto& entry : fs::directory_iterator(out + "/runs")) {
    const std::string page = read_file(entry.path().string() + "/report.html");
    CHECK(page.find(found) != std::string::npos);
    CHECK(page.find("only the headers") == std::string::npos);
    ++runs;
  }
  CHECK(runs == 1);
  const Outcome headers = run("train", with(quick_training(data, folder.file("headers")),
                                            {"--scan", "headers", "--stop-after", "1"}));
  CHECK(headers.err.find("only the headers of the pictures were looked at") != std::string::npos);
  CHECK(headers.err.find(found) == std::string::npos);
}

TEST_CASE("train/ without val/: the split that --val-split makes is found again; --split-by is asked for") {
  const TempFolder folder;
  const std::string data = folder.file("data"), out = folder.file("out");
  make_pictures(data);
  fs::remove_all(data + "/val");
  REQUIRE(run("train", with(quick_training(data, out),
                            {"--val-split", "0.25", "--stop-after", "1", "--split-by", "([0-9])[.]png"}))
              .code == 0);
  const std::vector<std::string> evaluate{"--data", data, "--weights", out + "/best.safetensors", "--json"};
  const Outcome asked = run("evaluate", evaluate);
  CHECK(asked.code == 2);
  CHECK(asked.err.find("with --split-by '([0-9])[.]png'; give that here, too") != std::string::npos);
  const Outcome found = run("evaluate", with(evaluate, {"--split-by", "([0-9])[.]png"}));
  INFO(found.err);
  CHECK(found.code == 0);
  CHECK(found.out.find("\"images\":4") != std::string::npos);
}

TEST_CASE(
    "train/ without val/: a share is kept for validation all the same, and TIFF files are named as such") {
  const TempFolder folder;
  const std::string data = folder.file("data");
  make_pictures(data);
  fs::remove_all(data + "/val");
  write_file(data + "/train/dark/scan.tif", "II*");
  const Outcome outcome = run("train", with(quick_training(data, folder.file("out")), {"--stop-after", "1"}));
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.err.find("there is no val/: a share of 0.2 of train/ is kept") != std::string::npos);
  CHECK(outcome.err.find("14 training and 4 validation pictures") != std::string::npos);
  CHECK(outcome.err.find("1 .tif file: formats that are not read; save them as PNG") != std::string::npos);
}

TEST_CASE("weights whose head is of other classes get a new head; random values that are frozen are told") {
  const TempFolder folder;
  const std::string data = folder.file("data"), base = folder.file("base");
  make_pictures(data);
  REQUIRE(run("train", with(quick_training(data, base), {"--stop-after", "1"})).code == 0);
  const auto tune = [&](const std::string& output) {
    return run("train", {"--data", data, "--weights", base + "/last.safetensors", "--epochs", "1",
                         "--batch-size", "6", "--workers", "0", "--output", folder.file(output)});
  };
  CHECK(tune("same").err.find("initialised anew") == std::string::npos);
  fs::rename(data + "/train/light", data + "/train/bright");
  fs::rename(data + "/val/light", data + "/val/bright");
  const Outcome other = tune("other");
  CHECK(other.code == 0);
  CHECK(other.err.find("the head is initialised anew: the file's classes are others") != std::string::npos);
  const Outcome random = run("train", with(quick_training(data, folder.file("random")),
                                           {"--freeze", "upto:layer1", "--stop-after", "1"}));
  CHECK(random.err.find("--freeze keeps random values as they are: there are no --weights") !=
        std::string::npos);
}

TEST_CASE("--sampler balanced: the best epoch is that of the best balanced accuracy") {
  const TempFolder folder;
  const std::string data = folder.file("data");
  make_pictures(data, 12, 6);
  for (int i = 0; i < 5; ++i) fs::remove(data + "/val/dark/" + std::to_string(i) + ".png");
  const auto train = [&](const std::string& output, const std::vector<std::string>& more) {
    std::vector<std::string> all = quick_training(data, folder.file(output));
    for (std::size_t k = 0; k + 1 < all.size(); ++k)
      if (all[k] == "--lr") all[k + 1] = "1e-12";  // all of its guesses stay of one class
    return run("train", with(all, with({"--stop-after", "1"}, more)));
  };
  // What the training state holds as the figure to beat.
  const auto held = [&](const std::string& output) {
    const std::string state = read_file(folder.file(output) + "/train_state.safetensors");
    const std::string name = "\\\"best_accuracy\\\":";
    return std::stod(state.substr(state.find(name) + name.size(), 20));
  };
  const Outcome balanced = train("balanced", {"--sampler", "balanced"});
  const Outcome plain = train("plain", {});
  INFO(balanced.err);
  REQUIRE(balanced.code == 0);
  REQUIRE(plain.code == 0);
  CHECK(held("balanced") == 0.5);
  CHECK(held("plain") != 0.5);
  CHECK(balanced.err.find(", balanced 0.5000)") != std::string::npos);
  CHECK(balanced.err.find("; every class comes equally often in an epoch") != std::string::npos);
}

TEST_CASE("--sampler balanced trains, resumes to the same bytes, and goes with no other balancing") {
  const TempFolder folder;
  const std::string data = folder.file("data");
  make_pictures(data);
  for (int i = 0; i < 6; ++i) fs::remove(data + "/train/dark/" + std::to_string(i) + ".png");
  const auto train = [&](const std::string& output, const std::vector<std::string>& more) {
    return run("train",
               with(quick_training(data, folder.file(output)), with({"--sampler", "balanced"}, more)));
  };
  REQUIRE(train("whole", {}).code == 0);
  REQUIRE(train("parts", {"--stop-after", "2"}).code == 0);
  REQUIRE(run("train", {"--resume", "--output", folder.file("parts")}).code == 0);
  CHECK(read_file(folder.file("whole") + "/last.safetensors") ==
        read_file(folder.file("parts") + "/last.safetensors"));
  CHECK(train("both", {"--class-weights", "balanced"}).code == 2);
}

}  // namespace
}  // namespace thaw::testing
