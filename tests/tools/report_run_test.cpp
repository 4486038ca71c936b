// report.html as train leaves it.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

using Strings = std::vector<std::string>;

// dark and light, dark under another name, and in val/ two copies of a light picture among the dark ones.
std::string make_data(const TempFolder& folder) {
  const std::string data = folder.file("data");
  make_pictures(data);
  for (const std::string split : {"/train", "/val"})
    fs::rename(data + split + "/dark", data + split + "/<b>&");
  for (const char* copy : {"wrong.png", "wrong again.png"})
    fs::copy(data + "/train/light/0.png", data + "/val/<b>&/" + copy);
  return data;
}

std::string page(const std::string& output) {
  return read_file(output + "/report.html");
}

// Without the times, and without the name of the folder.
std::string lasting(const std::string& output) {
  std::string html = page(output);
  const std::size_t begin = html.find("<h2>Epochs</h2>"), end = html.find("<h2>", begin + 1);
  REQUIRE(end != std::string::npos);
  html.erase(begin, end - begin);
  html = std::regex_replace(html, std::regex("<dt>(date|time)</dt><dd>[^<]*</dd>"), "");
  for (std::size_t at; (at = html.find(output)) != std::string::npos;) html.replace(at, output.size(), "OUT");
  return html;
}

std::string escaped(std::string name) {
  return std::regex_replace(std::regex_replace(name, std::regex("&"), "&amp;"), std::regex("<b>"),
                            "&lt;b&gt;");
}

TEST_CASE(
    "report.html: the figures of evaluate on the best weights, its worst mistakes, nothing from outside") {
  const TempFolder folder;
  const std::string data = make_data(folder), output = folder.file("out");
  const Outcome trained = run("train", quick_training(data, output));
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  const std::string html = page(output);
  const Outcome scored = run("evaluate", {"--weights", output + "/best.safetensors", "--data", data,
                                          "--batch-size", "6", "--top-losses", "8", "--json"});
  INFO(scored.err);
  REQUIRE(scored.code == 0);
  const auto report = nlohmann::json::parse(scored.out);
  CHECK(html.find(fmt::format(
            "accuracy <b>{:.2f} %</b> (95 % interval {:.1f} to {:.1f}), balanced accuracy "
            "{:.2f} %, loss {:.4f}, AUC {:.4f}",
            100 * report["top1"].get<double>(), 100 * report["top1_interval"][0].get<double>(),
            100 * report["top1_interval"][1].get<double>(), 100 * report["balanced_accuracy"].get<double>(),
            report["loss"].get<double>(), report["auc"].get<double>())) != std::string::npos);
  std::size_t at = html.find("class=\"confusion\"");
  for (const auto& row : report["confusion"])
    for (const auto& cell : row) {
      at = html.find(">" + cell.dump() + "</td>", at + 1);
      CHECK(at != std::string::npos);
    }
  for (const auto& c : report["per_class"])
    CHECK(html.find(fmt::format("<td>{}</td><td>{}</td><td>{:.2f}</td><td>{:.2f}</td><td>{:.2f}</td>",
                                escaped(c["class"]), c["images"].get<int>(),
                                100 * c["precision"].get<double>(), 100 * c["recall"].get<double>(),
                                100 * c["f1"].get<double>())) != std::string::npos);

  // Both copies are mistakes of equal loss; one is shown.
  at = html.find("<h2>Worst mistakes</h2>");
  std::size_t mistakes = 0, copies = 0;
  for (const auto& c : report["top_losses"]) {
    if (c["label"] == c["predicted"]) continue;
    const std::string name = c["image"];
    if (name.find("wrong") != std::string::npos && ++copies == 2) {
      CHECK(html.find(escaped(name)) == std::string::npos);
      continue;
    }
    ++mistakes;
    at = html.find("<b>" + escaped(c["label"]) + "</b>, predicted <b>" + escaped(c["predicted"]) + "</b>",
                   at + 1);
    REQUIRE(at != std::string::npos);
    CHECK(html.find(escaped(name), at) < html.find("</figure>", at));
    CHECK(html.find(fmt::format("true class {:.2f} %, loss {:.2f}", 100 * c["probability"].get<double>(),
                                c["loss"].get<double>()),
                    at) < html.find("</figure>", at));
  }
  REQUIRE(copies == 2);
  const std::string shown =
      html.substr(html.find("<h2>Worst mistakes</h2>"),
                  html.find("<h2>Right answers</h2>") - html.find("<h2>Worst mistakes</h2>"));
  CHECK(occurrences(shown, "<figure>") == mistakes);
  CHECK(occurrences(shown, "src=\"data:image/png;base64,iVBORw0KGgo") == mistakes);
  CHECK(occurrences(html, "src=") == occurrences(html, "src=\"data:image/png;base64,iVBORw0KGgo"));
  for (const char* head :
       {"<h2>Most confused classes</h2>", "<h2>ROC curve</h2>", "<h2>Data</h2>", "Training pictures"})
    CHECK_MESSAGE(html.find(head) != std::string::npos, head);
  CHECK(html.find("http") == std::string::npos);
  CHECK_FALSE(std::regex_search(html, std::regex("<b>&(?!lt;)")));
  CHECK(html.find("train --batch-size 6 --data " + data) != std::string::npos);
  CHECK(html.find(" frozen tensors, 0 bits changed.") != std::string::npos);
}

TEST_CASE("report.html: a resumed run's and one with kept features are the same") {
  const TempFolder folder;
  const std::string data = make_data(folder), base = folder.file("base");
  REQUIRE(run("train", with(quick_training(data, base), {"--stop-after", "2"})).code == 0);
  const auto tuning = [&](const std::string& output, const Strings& more) {
    return with(
        {"--data", data, "--weights", base + "/last.safetensors", "--freeze", "upto:layer2", "--lr", ".01",
         "--epochs", "4", "--batch-size", "6", "--workers", "0", "--no-aug", "--output", output},
        more);
  };
  const std::string whole = folder.file("whole"), parts = folder.file("parts"), kept = folder.file("kept");
  REQUIRE(run("train", tuning(whole, {})).code == 0);
  REQUIRE(run("train", tuning(parts, {"--stop-after", "3"})).code == 0);
  CHECK(page(parts).find("3 of 4 epochs done") != std::string::npos);
  REQUIRE(run("train", {"--resume", "--output", parts}).code == 0);
  CHECK(lasting(parts) == lasting(whole));
  REQUIRE(run("train", tuning(kept, {"--cache-features"})).code == 0);
  std::string html = lasting(kept);
  const std::size_t option = html.find(" --cache-features");
  REQUIRE(option != std::string::npos);
  html.erase(option, std::string(" --cache-features").size());
  CHECK(html == lasting(whole));
}

TEST_CASE("report.html: a run stopped by a signal has a page of its finished epochs") {
  const TempFolder folder;
  make_pictures(folder.file("data"));
  const std::string output = folder.file("out"), report = output + "/report.html";
  Strings arguments = quick_training(folder.file("data"), output);
  *(std::find(arguments.begin(), arguments.end(), "--epochs") + 1) = "5000";
  std::string command = "'" + program("train") + "'";
  for (const std::string& a : arguments) command += " " + a;
  command += " 2>" + folder.file("err") + " & while [ ! -f " + report +
             " ] && kill -0 $!; do sleep 0.05; done; kill -TERM $!; wait $!";
  const int status = std::system(command.c_str());
  INFO(read_file(folder.file("err")));
  CHECK(WEXITSTATUS(status) == 143);
  const auto lines = static_cast<std::size_t>(occurrences(read_file(output + "/metrics.jsonl"), "\n"));
  CHECK(lines > 0);
  const std::string html = read_file(report);
  CHECK(html.find(fmt::format("<p>{} of 5000 epochs done", lines)) != std::string::npos);
  CHECK(html.find(" frozen tensors, 0 bits changed.") != std::string::npos);
}

}  // namespace
}  // namespace thaw::testing
