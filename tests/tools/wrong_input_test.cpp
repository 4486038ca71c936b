// Wrong input is answered in one clear line, with exit code 1 or 2, and nothing is written.
#include <algorithm>

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

// The last line of stderr is the error, and the only one; `said` stands in it.
void check_error(const Outcome& outcome, int code, const std::string& said) {
  INFO(outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.out.empty());
  const std::size_t at = outcome.err.rfind("error: ");
  REQUIRE(at != std::string::npos);
  const std::string line = outcome.err.substr(at);
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  CHECK(line.find(said) != std::string::npos);
}

TEST_CASE("wrong options") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 2, 1);
  const std::string data = folder.file("data"), out = folder.file("out");
  const auto train = [&](const std::vector<std::string>& more) {
    return run("train", with({"--data", data, "--output", out}, more));
  };
  check_error(train({"--model", "resnet19"}), 2, "resnet18");
  check_error(train({"--model", "resnet20", "--no-such-option"}), 2, "--no-such-option");
  check_error(train({"--model", "resnet20", "--epochs", "0"}), 2, "--epochs");
  check_error(train({"--model", "resnet20", "--opt", "adam"}), 2, "--opt");
  for (const char* option :
       {"--lr", "--wd", "--clip-grad", "--backbone-lr-mult", "--label-smoothing", "--mean"})
    for (const char* value : {"nan", "inf", "-inf", "1e999"})
      check_error(train({"--model", "resnet20", option, value}), 2,
                  std::string(option) + ": '" + value + "' is no number to compute with");
  for (const char* option : {"--seed", "--split-seed"})
    for (const char* value : {"-1", "18446744073709551616"})
      check_error(train({"--model", "resnet20", option, value}), 2,
                  "'" + std::string(value) + "' is no whole number from 0 to 2^64");
  check_error(train({"--model", "resnet20", "--input-size", "5000"}), 2, "--input-size");
  check_error(train({"--model", "resnet20", "--crop-pct", "0.05"}), 2, "--crop-pct");
  check_error(train({"--model", "resnet20", "--mean", "0.5,0.5"}), 2, "--mean");
  check_error(train({"--model", "resnet20", "--freeze", "layer9"}), 2, "layer9");
  check_error(train({"--model", "resnet20", "--freeze", "*"}), 2, "nothing is left to train");
  check_error(train({}), 2, "--model");
  check_error(train({"--model", "resnet20", "--tf32", "--precision", "bf16"}), 2, "--precision bf16");
  check_error(train({"--model", "resnet20", "--tf32", "--device", "cpu"}), 2, "--tf32: only a GPU");
  check_error(train({"--model", "resnet20", "--no-cudnn-benchmark", "--device", "cpu"}), 2,
              "--no-cudnn-benchmark: only a GPU");
  check_error(run("evaluate", {"--weights", "w", "--data", data, "--tf32", "--device", "reference"}), 2,
              "--tf32: only a GPU");
  check_error(run("predict", {"--weights", "w", "--tf32", "--device", "cpu", "a.png"}), 2,
              "--tf32: only a GPU");
  check_error(run("compare", {"--weights", "w", "--model", "resnet20", "--data", data, "--output", out,
                              "--tf32", "--device", "cpu"}),
              2, "--tf32: only a GPU");
  check_error(run("train", {"--resume", "--output", out}), 1, "no run to resume");
  check_error(run("evaluate", {"--data", data}), 2, "--weights");
  check_error(run("predict", {"--weights", "w"}), 2, "IMAGE");
  check_error(run("inspect", {}), 2, "FILE");
  check_error(run("convert", {"a.pth"}), 2, "OUT");
  check_error(train({"--model", "resnet20", "--epochs", "2", "--freeze-epochs", "2"}), 2, "--freeze-epochs");
  check_error(train({"--model", "resnet20", "--cache-features"}), 2, "--no-aug");
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("files that are no weights") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 2, 1);
  const std::string weights = folder.file("w.pth"), out = folder.file("out");
  const auto train = [&] {
    return run("train",
               {"--data", folder.file("data"), "--model", "resnet20", "--weights", weights, "--output", out});
  };
  check_error(train(), 1, "w.pth");
  write_file(weights, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n");
  check_error(train(), 1, "LFS");
  write_file(weights, "");
  check_error(train(), 1, "w.pth");
  write_file(weights, std::string("PK\x03\x04", 4) + std::string(100, 'x'));
  check_error(train(), 1, "w.pth");
  check_error(run("convert", {weights, folder.file("w.safetensors")}), 1, "w.pth");
  CHECK_FALSE(fs::exists(folder.file("w.safetensors")));
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("data that cannot be trained on") {
  const TempFolder folder;
  const std::string data = folder.file("data"), out = folder.file("out");
  const auto train = [&] { return run("train", quick_training(data, out)); };
  check_error(train(), 1, data);
  fs::create_directories(data);
  check_error(train(), 1, data);
  make_pictures(data);
  fs::create_directories(data + "/train/empty");
  check_error(train(), 1, "empty");
  fs::remove(data + "/train/empty");
  const std::string good = read_file(data + "/train/dark/0.png");
  write_file(data + "/train/dark/0.png", "no picture");
  check_error(train(), 1, "0.png");
  // A header is there, pixels are missing: found when the picture is decoded.
  write_file(data + "/train/dark/0.png", good.substr(0, good.size() / 2));
  check_error(train(), 1, "0.png");
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("output folders that cannot be used") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 2, 1);
  write_file(folder.file("file"), "x");
  check_error(run("train", quick_training(folder.file("data"), folder.file("file"))), 1, "not a folder");
  check_error(run("train", quick_training(folder.file("data"), folder.file("file") + "/below")), 1,
              "cannot be made");
  fs::create_directories(folder.file("full"));
  write_file(folder.file("full") + "/notes.txt", "x");
  check_error(run("train", quick_training(folder.file("data"), folder.file("full"))), 1, "not empty");
  check_error(run("train", {"--resume", "--output", folder.file("full")}), 1, "train_state");
  CHECK(read_file(folder.file("file")) == "x");
  CHECK_FALSE(fs::exists(folder.file("full") + "/metrics.jsonl"));
}

}  // namespace
}  // namespace thaw::testing
