#include "tools/report/examples.h"

#include "tests/tools/programs.h"
#include "tools/report/confusion.h"

namespace thaw::testing {
namespace {

// Nine pictures of each class; class 0 is right but for the first three, class 1 always.
struct Judged {
  TempFolder folder;
  Dataset dataset;
  EvaluationReport report;

  Judged() {
    make_pictures(folder.file("data"), 9, 1);
    dataset = scan_class_folders(folder.file("data")).train;
    std::vector<float> logits;
    std::vector<int> labels;
    for (std::size_t i = 0; i < dataset.samples.size(); ++i) {
      labels.push_back(dataset.samples[i].label);
      const float sure = 1 + 0.1f * static_cast<float>(i);
      const bool first = i < 3 ? labels.back() == 1 : labels.back() == 0;
      logits.insert(logits.end(), {first ? sure : 0, first ? 0 : sure});
    }
    report = evaluation_report(logits, 2, labels, {"<dark>", "light"});
  }
};

TEST_CASE(
    "examples: wrong and right answers; the surest of each class come first, and no picture is there twice") {
  const Judged judged;
  const std::string wrong = mistakes_html(judged.report, judged.dataset);
  CHECK(occurrences(wrong, "<figure>") == 3);
  CHECK(occurrences(wrong, "<b>&lt;dark&gt;</b>, predicted <b>light</b>") == 3);
  const std::string right = right_answers_html(judged.report, judged.dataset);
  CHECK(occurrences(right, "<figure>") == 12);
  const std::size_t last = right.find("train/light/8.png"), other = right.find("train/dark/8.png"),
                    second = right.find("train/light/7.png"), nearly = right.find("Nearly missed");
  CHECK(last < other);
  CHECK(other < second);
  CHECK(second < nearly);
  CHECK(right.find("train/dark/3.png") > nearly);
  for (std::size_t i = 3; i < judged.dataset.samples.size(); ++i)
    CHECK(occurrences(right, judged.dataset.samples[i].relative + "<") <= 1);
}

TEST_CASE("confused pairs: how often, of how many, and their pictures") {
  const Judged judged;
  const std::string html = confused_pairs_html(judged.report, judged.dataset);
  CHECK(html.find("<b>&lt;dark&gt;</b> taken for <b>light</b>: 3 of 9, 33.33 %") != std::string::npos);
  CHECK(occurrences(html, "<figure>") == 1);
  CHECK(occurrences(html, "<img") == 3);
  const EvaluationReport perfect = evaluation_report({1, 0}, 2, {0}, {"a", "b"});
  CHECK(confused_pairs_html(perfect, judged.dataset).empty());
}

}  // namespace
}  // namespace thaw::testing
