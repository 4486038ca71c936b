// compare keeps results by what they are of: pictures, weights and options, by content.
#include "io/picture/image.h"
#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

TEST_CASE("compare: results of other pictures, weights or options are never shown as these") {
  const TempFolder folder;
  const std::string data = folder.file("data"), base = folder.file("base"), out = folder.file("out");
  make_pictures(data, 3, 2);
  REQUIRE(run("train", with(quick_training(data, base), {"--stop-after", "1"})).code == 0);
  const std::string weights = folder.file("w.safetensors");
  fs::copy_file(base + "/last.safetensors", weights);
  const auto compare = [&](const std::string& pictures, const std::string& file,
                           const std::vector<std::string>& more = {}) {
    return run("compare",
               with({"--data", pictures, "--weights", file, "--output", out, "--epochs", "1", "--batch-size",
                     "6", "--workers", "0", "--seeds", "1", "--plans", "scratch_cnn,0", "--device", "cpu"},
                    more));
  };
  const auto refused = [](const Outcome& outcome, const std::string& reason) {
    CAPTURE(outcome.err);
    CHECK(outcome.code == 1);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(reason) != std::string::npos);
    CHECK(outcome.err.find("another --output") != std::string::npos);
  };
  const Outcome first = compare(data, weights);
  CAPTURE(first.err);
  REQUIRE(first.code == 0);
  CHECK(compare(data, weights).out == first.out);

  const Outcome nowhere = compare(folder.file("nowhere"), weights);
  CHECK(nowhere.code == 1);
  CHECK(nowhere.out.empty());
  // One pixel, under the same name and of the same size in the folder's listing.
  const std::string picture = data + "/train/dark/0.png", kept = folder.file("kept.png");
  fs::copy_file(picture, kept);
  Image changed = read_image(picture, 3);
  changed.pixels[0] ^= 1;
  write_png(picture, changed);
  refused(compare(data, weights), "other pictures");
  fs::copy_file(kept, picture, fs::copy_options::overwrite_existing);
  CHECK(compare(data, weights).out == first.out);
  // Moved data and weights are the same data and weights.
  fs::copy(data, folder.file("moved"), fs::copy_options::recursive);
  fs::copy_file(weights, folder.file("renamed.safetensors"));
  CHECK(compare(folder.file("moved"), folder.file("renamed.safetensors")).out == first.out);

  refused(compare(data, weights, {"--scratch-size", "80"}), "--input-size was 64, now 80");
  refused(compare(data, weights, {"--wd", "0.5"}), "--wd was not given, now 0.5");
  REQUIRE(run("train", with(quick_training(data, folder.file("other")), {"--stop-after", "1", "--seed", "9"}))
              .code == 0);
  fs::copy_file(folder.file("other") + "/last.safetensors", weights, fs::copy_options::overwrite_existing);
  refused(compare(data, weights), "other weights");
  fs::copy_file(base + "/last.safetensors", weights, fs::copy_options::overwrite_existing);
  fs::remove(out + "/inputs.json");
  refused(compare(data, weights), "not known");
}

TEST_CASE(
    "compare: a run's folder that comes from another comparison, and groups that changed, are refused") {
  const TempFolder folder;
  const std::string base = folder.file("base"), weights = folder.file("w.safetensors");
  for (const char* name : {"one", "two"}) make_pictures(folder.file(name), 3, 2);
  const std::string picture = folder.file("two") + "/train/dark/0.png";
  Image changed = read_image(picture, 3);
  changed.pixels[0] ^= 1;
  write_png(picture, changed);
  REQUIRE(run("train", with(quick_training(folder.file("one"), base), {"--stop-after", "1"})).code == 0);
  fs::copy_file(base + "/last.safetensors", weights);
  const auto compare = [&](const std::string& data, const std::string& out) {
    return run("compare",
               {"--data", data, "--weights", weights, "--output", folder.file(out), "--epochs", "1",
                "--batch-size", "6", "--workers", "0", "--seeds", "1", "--plans", "0", "--device", "cpu"});
  };
  REQUIRE(compare(folder.file("one"), "of_one").code == 0);
  REQUIRE(compare(folder.file("two"), "of_two").code == 0);
  fs::remove_all(folder.file("of_one") + "/runs");
  fs::copy(folder.file("of_two") + "/runs", folder.file("of_one") + "/runs", fs::copy_options::recursive);
  const Outcome foreign = compare(folder.file("one"), "of_one");
  CAPTURE(foreign.err);
  CHECK(foreign.code == 1);
  CHECK(foreign.err.find("of other pictures or weights") != std::string::npos);

  const auto csv = [&](const std::string& groups) {
    std::string text = "path,label,group\n";
    int i = 0;
    for (const char* name : {"dark/0", "dark/1", "dark/2", "light/0", "light/1", "light/2"})
      if (fs::exists(folder.file("one") + "/train/" + name + ".png"))
        text += folder.file("one") + "/train/" + name + ".png," + std::string(name).substr(0, 4) + "," +
                groups.substr(static_cast<std::size_t>(i++), 1) + "\n";
    REQUIRE(i == 6);
    std::ofstream(folder.file("cases.csv")) << text;
  };
  csv("abcdef");
  const Outcome first = compare(folder.file("cases.csv"), "of_csv");
  CAPTURE(first.err);
  REQUIRE(first.code == 0);
  csv("aabccd");
  const Outcome regrouped = compare(folder.file("cases.csv"), "of_csv");
  CAPTURE(regrouped.err);
  CHECK(regrouped.code == 1);
  CHECK(regrouped.err.find("other pictures") != std::string::npos);
}

}  // namespace
}  // namespace thaw::testing
