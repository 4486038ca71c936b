// compare: its plans, its statistics, and the program as a user runs it.
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/freeze/plan.h"
#include "models/registry.h"
#include "tests/tools/programs.h"
#include "tools/compare/page.h"
#include "tools/compare/result.h"
#include "tools/program/frame.h"

namespace thaw::testing {
namespace {

std::vector<std::string> keys_of(const std::vector<ComparePlan>& plans) {
  std::vector<std::string> keys;
  for (const ComparePlan& plan : plans) keys.push_back(plan.key);
  return keys;
}

TEST_CASE("compare: blocks are thawed one by one from the head on, and every plan can be applied") {
  const auto network = make_network("resnet18", {});
  const auto plans = compare_plans(*network, "");
  CHECK(keys_of(plans) ==
        std::vector<std::string>{"scratch_cnn", "scratch", "0", "1", "2", "3", "4", "all", "story"});
  CHECK(plans[3].title == "1 block: layer4");
  CHECK(plans[3].freeze == "upto:layer3");
  CHECK(plans[4].title == "2 blocks, from layer3 on");
  CHECK(plans.back().freeze == "upto:layer2");
  CHECK(plans.back().bn == "train");
  std::int64_t before = 0;
  for (std::size_t i = 2; i + 1 < plans.size(); ++i) {
    apply_freeze_plan(*network, plans[i].freeze);
    std::int64_t trained = 0;
    for (const Parameter* p : network->parameters())
      if (!p->frozen) trained += p->value.elements();
    CHECK(trained > before);
    before = trained;
  }
  CHECK(keys_of(chosen_plans(plans, {"all", "0"})) == std::vector<std::string>{"0", "all"});
  CHECK_THROWS_WITH_AS(chosen_plans(plans, {"5"}), doctest::Contains("there is no plan '5'; there are"),
                       UsageError);
  CHECK(compare_plans(*network, "layer1").back().freeze == "layer1");
}

CompareResult result(std::uint64_t seed, double accuracy) {
  CompareResult r;
  r.seed = seed;
  r.lr = 0.1;
  r.best_epoch = 3;
  r.val_accuracy = accuracy;
  r.seconds = 2;
  r.trainable = 10;
  r.peak_bytes = 5000000;
  r.receipt = "1 frozen tensors, 0 bits changed";
  return r;
}

TEST_CASE("compare: mean, standard error and paired differences") {
  // By hand: mean 0.6; squares .04 + 0 + .04, / 2 / 3.
  const Spread s = spread({0.4, 0.6, 0.8});
  CHECK(s.mean == doctest::Approx(0.6));
  CHECK(s.error.value() == doctest::Approx(std::sqrt(0.08 / 6)));
  CHECK(!spread({0.5}).error);
  CHECK(percent(spread({0.5})) == "50.0");
  CHECK(percent(s, true) == "+60.0 ± 11.5");

  CompareRow base{{"0", "0 blocks", "resnet18", true, "backbone"}, {result(1, 0.5), result(2, 0.7)}, {0.1}};
  CompareRow more{
      {"1", "<1> block", "resnet18", true, "upto:layer3"}, {result(1, 0.6), result(2, 0.8)}, {0.1, 1}};
  // Both seeds gain 0.1: the difference has no spread though the rows have.
  CHECK(paired_difference(more, base).mean == doctest::Approx(0.1));
  CHECK(paired_difference(more, base).error.value() == doctest::Approx(0).epsilon(1e-12));
  const std::string table = compare_table({base, more});
  CHECK(table.find("| <1> block | 10 | 0.1 of 0.1, 1 | 70.0 ± 10.0 | - | +10.0 ± 0.0 | 3 3 | 2.00 | 5 |") !=
        std::string::npos);
  const std::string page = compare_page({base, more}, "--lr <x>");
  CHECK(page.find("<1>") == std::string::npos);
  CHECK(page.find("&lt;1&gt; block") != std::string::npos);
  CHECK(page.find("--lr &lt;x&gt;") != std::string::npos);
  CHECK(page.find("no test pictures") != std::string::npos);
  CHECK(page.find("http") == std::string::npos);

  // Test accuracies count where all have them.
  more.results[0].test_accuracy = base.results[0].test_accuracy = 0.5;
  more.results[1].test_accuracy = base.results[1].test_accuracy = 0.9;
  CHECK(paired_difference(more, base).mean == doctest::Approx(0));
  CHECK(compare_page({base, more}, "").find("Best on the test pictures") != std::string::npos);

  const CompareResult again = CompareResult::parse(more.results[1].json(), "x.json");
  CHECK(again.json() == more.results[1].json());
  CHECK_THROWS_WITH(CompareResult::parse("{}", "x.json"),
                    doctest::Contains("x.json: is not a result of compare"));
}

TEST_CASE("compare: features kept once for all runs change nothing in any plan, rate and seed") {
  const TempFolder folder;
  const std::string data = folder.file("data"), base = folder.file("base"), kept = folder.file("kept");
  make_pictures(data);
  REQUIRE(run("train", with(quick_training(data, base), {"--stop-after", "1"})).code == 0);
  const auto compare = [&](const std::string& output, const std::vector<std::string>& more) {
    const Outcome outcome =
        run("compare", with({"--data", data, "--weights", base + "/last.safetensors", "--output", output,
                             "--epochs", "1", "--workers", "0", "--batch-size", "5", "--seeds", "2", "--lr",
                             "0.1,0.01", "--no-aug", "--plans", "scratch_cnn,0,1,2,all,story"},
                            more));
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return outcome;
  };
  const Outcome plain = compare(folder.file("plain"), {});
  CHECK(occurrences(plain.err, "features: the output of") == 0);
  CHECK(plain.out.find("kept") == std::string::npos);
  const Outcome shared = compare(kept, {"--cache-features"});
  // Three plans of two rates and a second seed; one pass of the pictures, continued twice.
  CHECK(occurrences(shared.err, "features: the output of") == 9);
  CHECK(occurrences(shared.err, "shared with the run before") == 6);
  CHECK(occurrences(shared.err, "computed from the pictures in") == 1);
  for (const std::string& text : {shared.out, read_file(kept + "/compare.md")}) {
    CHECK(text.find("- plan 2: the output of layer1 (") != std::string::npos);
    CHECK(text.find("was kept for 3 runs, computed from the pictures in") != std::string::npos);
    CHECK(text.find("was kept for 3 runs, computed from the output of layer1 in") != std::string::npos);
    CHECK(text.find("- plan 0: the output of avgpool (") != std::string::npos);
    CHECK(text.find("was kept for 3 runs, computed from the output of layer2 in") != std::string::npos);
    // The table stays in the order of the plans.
    CHECK(text.find("| 0 blocks") < text.find("| 1 block:"));
    CHECK(text.find("| 2 blocks") < text.find("| all blocks"));
  }
  CHECK(read_file(kept + "/compare.html").find("Kept features") != std::string::npos);

  int runs = 0;
  for (const auto& entry : fs::directory_iterator(kept + "/runs")) {
    const std::string name = entry.path().filename().string();
    INFO(name);
    CHECK(weights_in(entry.path().string() + "/best.safetensors") ==
          weights_in(folder.file("plain") + "/runs/" + name + "/best.safetensors"));
    ++runs;
  }
  CHECK(runs == 2 + 5 * 3);

  // Finished runs are read, what they shared is still known.
  CHECK(compare(kept, {"--cache-features"}).out == shared.out);
}

TEST_CASE("compare: trains every plan, keeps what is done, and refuses other options") {
  const TempFolder folder;
  const std::string data = folder.file("data"), base = folder.file("base"), out = folder.file("out");
  make_pictures(data);
  fs::copy(data + "/val", data + "/test", fs::copy_options::recursive);
  REQUIRE(run("train", with(quick_training(data, base), {"--stop-after", "1"})).code == 0);
  const std::vector<std::string> command{"--data",       data,
                                         "--weights",    base + "/last.safetensors",
                                         "--output",     out,
                                         "--epochs",     "2",
                                         "--batch-size", "6",
                                         "--workers",    "0",
                                         "--seeds",      "2",
                                         "--lr",         "0.01,0.001",
                                         "--plans",      "0,scratch,story"};
  const Outcome dry = run("compare", with(command, {"--dry-run"}));
  CHECK(dry.code == 0);
  CHECK(dry.err.find("--lr 0.01 or 0.001") != std::string::npos);
  // Two rates and a second seed for two plans, the scratch plan has one rate.
  CHECK(dry.err.find(" for 8 runs of 2 epochs, estimated from one training step of resnet20 (") !=
        std::string::npos);
  CHECK(!fs::exists(out));

  const Outcome first = run("compare", with(command, {"--json"}));
  INFO(first.err);
  REQUIRE(first.code == 0);
  const auto json = nlohmann::json::parse(first.out);
  CHECK(json["plans"].size() == 3);
  for (const auto& plan : json["plans"]) {
    CHECK(plan["runs"].size() == 2);
    for (const auto& r : plan["runs"]) {
      CHECK(r["test_accuracy"] == r["val_accuracy"]);  // the same pictures, the best epoch's weights
      CHECK(r["peak_bytes"] > 10000);
      CHECK(r["receipt"].get<std::string>().find("0 bits changed") != std::string::npos);
    }
    CHECK(plan["runs"][0]["lr"] == plan["runs"][1]["lr"]);
  }
  CHECK(fs::exists(out + "/runs/0-0.001-1/result.json"));
  CHECK(fs::exists(out + "/runs/0-0.01-1/best.safetensors"));
  CHECK(read_file(out + "/compare.html").find("</html>") != std::string::npos);

  CHECK(first.err.find("== run 1 of 8: plan scratch") != std::string::npos);
  CHECK(first.err.find("== run 8 of 8, about 0:") != std::string::npos);
  CHECK(first.err.find("Best on the test pictures: ") != std::string::npos);
  const std::string html = read_file(out + "/compare.html");
  for (const char* part : {"against seconds per epoch", "against peak memory", "against trained parameters",
                           "href=\"runs/0-0.0", "Learning curves", "Best on the test pictures: "})
    CHECK_MESSAGE(html.find(part) != std::string::npos, part);
  CHECK(fs::exists(out + "/runs/0-0.01-1/report.html"));

  const auto trained = fs::last_write_time(out + "/runs/0-0.01-1/result.json");
  const Outcome second = run("compare", with(command, {"--json"}));
  CHECK(second.out == first.out);
  CHECK(fs::last_write_time(out + "/runs/0-0.01-1/result.json") == trained);
  CHECK(read_file(out + "/compare.md").find("| 0 blocks: the head alone |") != std::string::npos);

  // Fewer plans: the others' results stay in the table.
  std::vector<std::string> fewer = command;
  for (std::size_t i = 0; i + 1 < fewer.size(); ++i)
    if (fewer[i] == "--plans") fewer[i + 1] = "0";
  CHECK(run("compare", with(fewer, {"--json"})).out == first.out);

  // What is not compare's is not overwritten, and that is said before anything is trained.
  const std::string notes = read_file(out + "/compare.md");
  write_file(out + "/compare.md", "my notes");
  const Outcome kept = run("compare", command);
  CHECK(kept.code == 1);
  CHECK(kept.err.find("compare.md: is not of compare and would be overwritten; move it away") !=
        std::string::npos);
  CHECK(kept.err.find("== run") == std::string::npos);
  CHECK(read_file(out + "/compare.md") == "my notes");
  write_file(out + "/compare.md", notes);

  const Outcome other = run("compare", with(command, {"--wd", "0.5"}));
  CHECK(other.code == 1);
  CHECK(other.err.find("holds a run with other options") != std::string::npos);
  // A rate that leads to no finite loss is out of the choice, and an error where it is the only one.
  std::vector<std::string> wild = command;
  for (std::size_t i = 0; i + 1 < wild.size(); ++i) {
    if (wild[i] == "--lr") wild[i + 1] = "1e30,0.001";
    if (wild[i] == "--output") wild[i + 1] = folder.file("wild");
    if (wild[i] == "--plans") wild[i + 1] = "0";
  }
  const Outcome survived = run("compare", with(wild, {"--json"}));
  CHECK(survived.code == 0);
  CHECK(survived.err.find("lr 1e+30 is out of the choice") != std::string::npos);
  for (std::size_t i = 0; i + 1 < wild.size(); ++i)
    if (wild[i] == "--lr") wild[i + 1] = "1e30";
  CHECK(run("compare", wild).code == 1);

  // Data that cannot be read is no matter of the rate; without validation there is nothing to choose by.
  const auto replaced = [&command](const std::string& option, const std::string& value,
                                   const std::vector<std::string>& more = {}) {
    std::vector<std::string> other_command = command;
    for (std::size_t i = 0; i + 1 < other_command.size(); ++i) {
      if (other_command[i] == option) other_command[i + 1] = value;
      if (other_command[i] == "--output") other_command[i + 1] += "_other";
    }
    return run("compare", with(other_command, more));
  };
  const Outcome missing = replaced("--data", folder.file("nowhere"));
  CHECK(missing.code == 1);
  CHECK(missing.err.find("out of the choice") == std::string::npos);
  fs::remove_all(data + "/val");
  fs::remove_all(out + "_other");
  const Outcome blind = replaced("--seeds", "1", {"--val-split", "0"});
  CHECK(blind.code == 1);
  CHECK(blind.err.find("no validation pictures to choose the epoch by") != std::string::npos);

  CHECK(run("compare", with(command, {"--plans", "7"})).code == 2);
  CHECK(run("compare", {"--data", data, "--model", "resnet20", "--output", out}).code == 2);
}

}  // namespace
}  // namespace thaw::testing
