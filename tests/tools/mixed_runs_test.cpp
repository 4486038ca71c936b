// A run goes on with its own pictures, state and best weights only, and compare shows its own results only.
#include <nlohmann/json.hpp>

#include "io/picture/image.h"
#include "io/weights/weights.h"
#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

void copy_over(const std::string& from, const std::string& to) {
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
}

TEST_CASE("train --resume: one changed pixel of a picture is other data") {
  const TempFolder folder;
  const std::string data = folder.file("data"), out = folder.file("out");
  make_pictures(data, 4, 2);
  REQUIRE(run("train", with(quick_training(data, out), {"--stop-after", "1"})).code == 0);
  const std::string picture = data + "/val/dark/0.png";
  const std::string before = read_file(picture);
  Image changed = read_image(picture, 3);
  changed.pixels[0] ^= 1;
  write_png(picture, changed);
  const Outcome outcome = run("train", {"--resume", "--stop-after", "2", "--output", out});
  CHECK(outcome.code == 1);
  CHECK(outcome.err.find("holds other pictures") != std::string::npos);
  write_file(picture, before);
  CHECK(run("train", {"--resume", "--stop-after", "2", "--output", out}).code == 0);
}

TEST_CASE("train --resume: best.safetensors is what the state says of it, or made so, or an error") {
  const TempFolder folder;
  const std::string data = folder.file("data"), newest = folder.file("newest"), other = folder.file("other");
  make_pictures(data, 4, 2);
  REQUIRE(run("train", with(quick_training(data, newest), {"--stop-after", "1"})).code == 0);
  REQUIRE(run("train", with(quick_training(data, other), {"--stop-after", "1", "--seed", "9"})).code == 0);
  const std::string best = read_file(newest + "/best.safetensors");
  // The best epoch is the newest one: the state holds its weights.
  for (const std::string& damage :
       {std::string("no file"), std::string(1000, 'x'), read_file(other + "/best.safetensors")}) {
    CAPTURE(damage.substr(0, 8));
    const std::string part = folder.file("part");
    fs::remove_all(part);
    copy_over(newest, part);
    if (damage == "no file")
      fs::remove(part + "/best.safetensors");
    else
      write_file(part + "/best.safetensors", damage);
    const Outcome outcome = run("train", {"--resume", "--stop-after", "1", "--output", part});
    CAPTURE(outcome.err);
    CHECK(outcome.code == 0);
    CHECK(outcome.err.find("best.safetensors is written anew from the training state") != std::string::npos);
    CHECK(read_file(part + "/best.safetensors") == best);
  }
  // It is an older one: nothing holds its weights but the file. Where nothing moves, the first epoch stays the best.
  const std::string older = folder.file("older");
  std::vector<std::string> still = quick_training(data, older);
  for (std::size_t i = 0; i + 1 < still.size(); ++i)
    if (still[i] == "--lr") still[i + 1] = "1e-30";
  REQUIRE(run("train", with(still, {"--bn", "frozen", "--stop-after", "2"})).code == 0);
  for (const bool gone : {true, false}) {
    const std::string part = folder.file("part");
    fs::remove_all(part);
    copy_over(older, part);
    if (gone)
      fs::remove(part + "/best.safetensors");
    else
      write_file(part + "/best.safetensors", read_file(other + "/best.safetensors"));
    const Outcome outcome = run("train", {"--resume", "--stop-after", "3", "--output", part});
    CAPTURE(outcome.err);
    CHECK(outcome.code == 1);
    CHECK(outcome.err.find("best.safetensors: is not what the run wrote after epoch 1") != std::string::npos);
  }
  CHECK(run("train", {"--resume", "--stop-after", "3", "--output", older}).code == 0);
}

TEST_CASE("compare: a state or a result of another run is refused, and so are figures that cannot be") {
  const TempFolder folder;
  const std::string data = folder.file("data"), out = folder.file("out");
  make_pictures(data, 3, 2);
  REQUIRE(run("train", with(quick_training(data, folder.file("base")), {"--stop-after", "1"})).code == 0);
  const auto compare = [&](const std::string& to) {
    return run("compare", {"--data", data, "--weights", folder.file("base") + "/last.safetensors", "--output",
                           to, "--epochs", "1", "--batch-size", "6", "--workers", "0", "--seeds", "2",
                           "--plans", "0,1", "--device", "cpu"});
  };
  const Outcome first = compare(out);
  CAPTURE(first.err);
  REQUIRE(first.code == 0);
  std::vector<std::string> runs;
  for (const auto& entry : fs::directory_iterator(out + "/runs")) runs.push_back(entry.path().filename());
  std::sort(runs.begin(), runs.end());
  REQUIRE(runs.size() == 4);  // plans 0 and 1, seeds 1 and 2
  const auto refused = [&](const std::string& to, const std::string& reason) {
    const Outcome outcome = compare(to);
    CAPTURE(outcome.err);
    CHECK(outcome.code == 1);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(reason) != std::string::npos);
  };
  const std::string part = folder.file("part");
  const auto fresh = [&] {
    fs::remove_all(part);
    copy_over(out, part);
    return part + "/runs/" + runs[0];
  };
  for (const std::size_t from : {std::size_t{1}, std::size_t{2}}) {  // another seed, another plan
    const std::string to = fresh();
    write_file(to + "/result.json", read_file(part + "/runs/" + runs[from] + "/result.json"));
    refused(part, "holds a run with other options");
  }
  const std::vector<std::pair<std::string, nlohmann::json>> lies{
      {"seed", 2},       {"lr", 0.5},        {"val_accuracy", 7}, {"val_accuracy", -1}, {"best_epoch", 99},
      {"trainable", -1}, {"peak_bytes", -1}, {"seconds", 1e308},  {"seconds", -1}};
  for (const auto& [key, value] : lies) {
    CAPTURE(key);
    const std::string file = fresh() + "/result.json";
    auto json = nlohmann::ordered_json::parse(read_file(file));
    json[key] = value;
    write_file(file, json.dump());
    refused(part, "result.json: ");
  }
  const std::string to = fresh();
  REQUIRE(
      run("train", with(quick_training(data, folder.file("foreign")), {"--stop-after", "1", "--seed", "77"}))
          .code == 0);
  fs::remove(to + "/result.json");
  fs::copy_file(folder.file("foreign") + "/train_state.safetensors", to + "/train_state.safetensors");
  refused(part, "train_state.safetensors: is of a run with other options");
}

}  // namespace
}  // namespace thaw::testing
