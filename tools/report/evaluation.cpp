#include "tools/report/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "io/file/text.h"
#include "tools/report/html.h"
#include "tools/report/thumbnail.h"

namespace thaw {

namespace {

constexpr std::size_t widest_matrix = 30, listed_confusions = 30, shown_mistakes = 12, shown_views = 4;

// Names come from files and may hold anything.
std::string name_text(const std::string& name) {
  return printable(name, std::string::npos);
}

std::string matrix(const EvaluationReport& report) {
  const std::size_t count = report.classes.size();
  const bool upright = count > 6;
  std::string text =
      "<div class=\"scroll\"><table class=\"confusion\">\n<thead><tr><th>true \\ predicted</th>";
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
  return text +
         "</tbody></table></div>\n<p class=\"soft\">Rows: the true class. Columns: the predicted one. "
         "Shades: the share of the row.</p>\n";
}

// Of many classes: the confusions that happen most.
std::string confusions(const EvaluationReport& report) {
  struct Entry {
    std::int64_t count;
    std::size_t truth, predicted;
  };
  std::vector<Entry> entries;
  for (std::size_t t = 0; t < report.confusion.size(); ++t)
    for (std::size_t p = 0; p < report.confusion.size(); ++p)
      if (t != p && report.confusion[t][p] > 0) entries.push_back({report.confusion[t][p], t, p});
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.count > b.count; });
  const std::size_t all = entries.size();
  entries.resize(std::min(all, listed_confusions));
  std::vector<std::vector<std::string>> rows;
  rows.reserve(entries.size());
  for (const Entry& e : entries)
    rows.push_back({name_text(report.classes[e.truth]), name_text(report.classes[e.predicted]),
                    std::to_string(e.count)});
  return fmt::format(
             "<p class=\"soft\">{} classes are too many for a matrix: the {} most frequent of {} kinds of "
             "mistakes.</p>\n",
             report.classes.size(), entries.size(), all) +
         html_table({"true class", "predicted", "pictures"}, rows);
}

std::string class_table(const EvaluationReport& report) {
  std::vector<std::vector<std::string>> rows;
  for (const ClassFigures& c : report.per_class)
    rows.push_back({name_text(c.name), std::to_string(c.images), percent_text(c.precision),
                    percent_text(c.recall), percent_text(c.f1)});
  return html_table({"class", "pictures", "precision %", "recall %", "F1 %"}, rows);
}

// The <img> elements of a case; "" where a file cannot be read.
std::string case_pictures(const Sample& sample) {
  constexpr int side = 136;
  std::string images;
  for (std::size_t v = 0; v < std::min(shown_views, 1 + sample.more_views.size()); ++v) {
    try {
      images += "<img alt=\"\" src=\"" + thumbnail(sample.view(v), side) + "\">";
    } catch (const Error&) {
      return "";
    }
  }
  return images;
}

std::string mistake_cards(const EvaluationReport& report, const Dataset& dataset) {
  std::set<std::string> seen;
  std::string cards;
  for (const CaseLoss& c : report.top_losses(4 * shown_mistakes, true)) {
    if (seen.size() == shown_mistakes) break;
    const Sample& sample = dataset.samples.at(static_cast<std::size_t>(c.index));
    const std::string pictures = case_pictures(sample);
    if (!seen.insert(pictures.empty() ? sample.path : pictures).second) continue;
    std::string names;
    for (const std::string& name : sample.names())
      names += (names.empty() ? "" : "<br>") + html_escape(name_text(name));
    cards += fmt::format(
        "<figure><div>{}</div><figcaption>{}<b>{}</b>, predicted <b>{}</b><br>true class {} %, loss "
        "{:.2f}<br><span class=\"soft\">{}</span></figcaption></figure>\n",
        pictures, pictures.empty() ? "(cannot be read any more)<br>" : "",
        html_escape(name_text(report.classes.at(static_cast<std::size_t>(c.label)))),
        html_escape(name_text(report.classes.at(static_cast<std::size_t>(c.predicted)))),
        percent_text(c.probability), c.loss, names);
  }
  if (cards.empty()) return "<p>None: every picture is classified rightly.</p>\n";
  return "<div class=\"cards\">\n" + cards + "</div>\n";
}

}  // namespace

std::string percent_text(double share) {
  return fmt::format("{:.2f}", 100 * share);
}

std::string evaluation_html(const EvaluationReport& report, const Dataset& dataset) {
  const bool many = report.classes.size() > widest_matrix;
  return "<h2>Confusion matrix</h2>\n" + (many ? confusions(report) : matrix(report)) + "<h2>Classes</h2>\n" +
         class_table(report) + "<h2>Worst mistakes</h2>\n" + mistake_cards(report, dataset);
}

}  // namespace thaw
