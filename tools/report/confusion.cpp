#include "tools/report/confusion.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tools/report/evaluation.h"
#include "tools/report/html.h"
#include "tools/report/pictures.h"

namespace thaw {

namespace {

constexpr std::size_t widest_matrix = 30, listed_confusions = 30, shown_pairs = 6, pictures_of_pair = 3;
constexpr std::size_t picture_bytes = std::size_t{500} << 10;

struct Confusion {
  std::int64_t count = 0;
  std::size_t truth = 0, predicted = 0;
};

// All that happened, the most frequent first.
std::vector<Confusion> confusions(const EvaluationReport& report) {
  std::vector<Confusion> all;
  for (std::size_t t = 0; t < report.confusion.size(); ++t)
    for (std::size_t p = 0; p < report.confusion.size(); ++p)
      if (t != p && report.confusion[t][p] > 0) all.push_back({report.confusion[t][p], t, p});
  std::stable_sort(all.begin(), all.end(),
                   [](const Confusion& a, const Confusion& b) { return a.count > b.count; });
  return all;
}

std::string matrix(const EvaluationReport& report) {
  const std::size_t count = report.classes.size();
  const bool upright = count > 6;
  std::string text = "<table class=\"confusion\">\n<thead><tr><th>true \\ predicted</th>";
  for (const std::string& name : report.classes)
    text += fmt::format("<th><span{}>{}</span></th>", upright ? " class=\"upright\"" : "",
                        html_escape(name_text(name)));
  text += "</tr></thead>\n<tbody>\n";
  for (std::size_t t = 0; t < count; ++t) {
    text += "<tr><th>" + html_escape(name_text(report.classes[t])) + "</th>";
    const auto images = static_cast<double>(report.per_class[t].images);
    for (std::size_t p = 0; p < count; ++p) {
      const std::int64_t n = report.confusion[t][p];
      text += fmt::format("<td class=\"{}\" style=\"--share:{:.3f}\">{}</td>", t == p ? "right" : "wrong",
                          n > 0 ? static_cast<double>(n) / images : 0.0, n);
    }
    text += "</tr>\n";
  }
  return html_scroll("confusion matrix", text + "</tbody></table>") +
         "<p class=\"soft\">Rows: the true class. Columns: the predicted one. Shades: the share of the "
         "row.</p>\n";
}

std::string list(const EvaluationReport& report) {
  const std::vector<Confusion> all = confusions(report);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < std::min(all.size(), listed_confusions); ++i)
    rows.push_back({name_text(report.classes[all[i].truth]), name_text(report.classes[all[i].predicted]),
                    std::to_string(all[i].count)});
  return fmt::format(
             "<p class=\"soft\">{} classes are too many for a matrix: the {} most frequent of {} kinds of "
             "mistakes.</p>\n",
             report.classes.size(), rows.size(), all.size()) +
         html_table({"true class", "predicted", "pictures"}, rows);
}

}  // namespace

std::string confusion_html(const EvaluationReport& report) {
  return "<h2>Confusion matrix</h2>\n" +
         (report.classes.size() > widest_matrix ? list(report) : matrix(report));
}

std::string confused_pairs_html(const EvaluationReport& report, const Dataset& dataset) {
  const std::vector<Confusion> all = confusions(report);
  if (all.empty()) return "";
  const std::vector<CaseLoss> wrong = report.top_losses(report.labels.size(), true);
  Pictures pictures(picture_bytes);
  std::string cards;
  for (std::size_t i = 0; i < std::min(all.size(), shown_pairs); ++i) {
    const auto& [count, truth, predicted] = all[i];
    std::set<std::string> seen;
    std::string images;
    for (const CaseLoss& c : wrong) {
      if (c.label != static_cast<int>(truth) || c.predicted != static_cast<int>(predicted)) continue;
      const std::string image = pictures.images(dataset.samples.at(static_cast<std::size_t>(c.index)), 96);
      if (!image.empty() && seen.insert(image).second) images += image;
      if (seen.size() == pictures_of_pair) break;
    }
    cards += fmt::format(
        "<figure><div>{}</div><figcaption><b>{}</b> taken for <b>{}</b>: {} of {}, {} "
        "%</figcaption></figure>\n",
        images, html_escape(name_text(report.classes[truth])),
        html_escape(name_text(report.classes[predicted])), count, report.per_class[truth].images,
        percent_text(static_cast<double>(count) / static_cast<double>(report.per_class[truth].images)));
  }
  return fmt::format(
      "<h2>Most confused classes</h2>\n<div class=\"cards wide\">\n{}</div>\n<p class=\"soft\">{} of {} "
      "kinds of "
      "mistakes, each with pictures of large loss.</p>\n",
      cards, std::min(all.size(), shown_pairs), all.size());
}

}  // namespace thaw
