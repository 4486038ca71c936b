// predict, run as a user runs it: folders, names from standard input, bad pictures among good ones.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/tools/programs.h"
#include "tools/evaluate/picture_names.h"

namespace thaw::testing {
namespace {

TEST_CASE("predict: folders, top classes in CSV, other names, and a bad picture stops no other") {
  const TempFolder folder;
  const std::string data = folder.file("data"), output = folder.file("out");
  make_pictures(data, 20, 2);
  REQUIRE(run("train", with(quick_training(data, output), {"--stop-after", "1"})).code == 0);
  const std::vector<std::string> weights{"--weights", output + "/last.safetensors"};

  const Outcome csv = run("predict", with(weights, {"--format", "csv", data + "/train"}));
  CAPTURE(csv.err);
  REQUIRE(csv.code == 0);
  CHECK(csv.out.starts_with("image,label,index,probability,label_2,probability_2\n"));
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') == 41);

  write_file(data + "/train/dark/3x.png", "no picture");
  const Outcome json = run("predict", with(weights, {"--format", "json", data + "/train"}));
  CHECK(json.code == 1);
  CHECK(json.err.find("3x.png: ") != std::string::npos);
  CHECK(json.err.find("1 of 41 cases failed") != std::string::npos);
  CHECK(nlohmann::json::parse(json.out).size() == 40);

  write_file(folder.file("names.txt"), "night\nday\n");
  const Outcome named =
      run("predict", with(weights, {"--class-names", folder.file("names.txt"), data + "/val/dark/0.png"}));
  CHECK((named.out.find("night") != std::string::npos && named.out.find("day") != std::string::npos));
  write_file(folder.file("names.txt"), "night\n");
  const Outcome few =
      run("predict", with(weights, {"--class-names", folder.file("names.txt"), data + "/val/dark/0.png"}));
  CHECK(few.code == 1);
  CHECK(few.err.find("holds 1 names, but the network has 2 classes") != std::string::npos);
  CHECK(run("predict", with(weights, {"-"})).code == 2);  // standard input is empty
}

TEST_CASE("picture names: files as given, folders below, lines") {
  const TempFolder folder;
  make_pictures(folder.file("d"), 1, 1);
  write_file(folder.file("d/notes.txt"), "x");
  std::istringstream lines("a b.png\n\nc.png\n");
  const std::vector<std::string> names = picture_names({"x.png", folder.file("d"), "-"}, lines);
  REQUIRE(names.size() == 7);
  CHECK(names[0] == "x.png");
  CHECK(names[1] == folder.file("d/train/dark/0.png"));
  CHECK(names[5] == "a b.png");
  CHECK(names[6] == "c.png");
}

TEST_CASE("a file that does not name its network is recognised") {
  const TempFolder folder;
  const std::string data = folder.file("data"), output = folder.file("out"), pth = folder.file("w.pth");
  make_pictures(data, 3, 2);
  REQUIRE(run("train", with(quick_training(data, output), {"--stop-after", "1"})).code == 0);
  REQUIRE(run("convert", {output + "/last.safetensors", pth}).code == 0);
  const std::string picture = data + "/val/dark/0.png";
  CHECK(run("predict", {"--weights", pth, picture}).err.find("it fits resnet20: give --model resnet20") !=
        std::string::npos);
  const Outcome wrong = run("predict", {"--weights", pth, "--model", "resnet32", picture});
  CHECK(wrong.err.find("it fits resnet20: give --model resnet20") != std::string::npos);
  CHECK(wrong.err.size() < 800);
  const Outcome state = run("inspect", {output + "/train_state.safetensors"});
  CHECK(state.err.find("is the state of a training run, not weights") != std::string::npos);
}

}  // namespace
}  // namespace thaw::testing
