#include "tools/report/examples.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tools/report/evaluation.h"
#include "tools/report/html.h"
#include "tools/report/pictures.h"

namespace thaw {

namespace {

constexpr std::size_t shown_mistakes = 12, shown_right = 6;
constexpr std::size_t mistake_bytes = std::size_t{900} << 10, right_bytes = std::size_t{450} << 10;

std::string caption(const EvaluationReport& report, const CaseLoss& c) {
  const std::string truth =
      "<b>" + html_escape(name_text(report.classes.at(static_cast<std::size_t>(c.label)))) + "</b>";
  if (c.label == c.predicted) return fmt::format("{}, {} %", truth, percent_text(c.probability));
  return fmt::format("{}, predicted <b>{}</b><br>true class {} %, loss {:.2f}", truth,
                     html_escape(name_text(report.classes.at(static_cast<std::size_t>(c.predicted)))),
                     percent_text(c.probability), c.loss);
}

// Cards of the first of `cases` that differ as pictures and are not in `seen`, at most `most`.
std::string cards(const EvaluationReport& report, const Dataset& dataset, const std::vector<CaseLoss>& cases,
                  std::size_t most, int side, Pictures& pictures, std::set<std::string>& seen) {
  std::string text;
  std::size_t shown = 0;
  for (const CaseLoss& c : cases) {
    if (shown == most) break;
    const Sample& sample = dataset.samples.at(static_cast<std::size_t>(c.index));
    if (!seen.insert(sample.path + '\n' + sample.relative).second) continue;
    const std::string images = pictures.images(sample, side);
    if (!images.empty() && !seen.insert(images).second) continue;
    ++shown;
    const char* absent = !images.empty()   ? ""
                         : pictures.room() ? "(cannot be read any more)<br>"
                                           : "(left out: the page would be too large)<br>";
    text += fmt::format(
        "<figure><div>{}</div><figcaption>{}{}<br><span class=\"soft\">{}</span></figcaption></figure>\n",
        images, absent, caption(report, c), names_html(sample));
  }
  return text.empty() ? "<p>None.</p>\n" : "<div class=\"cards\">\n" + text + "</div>\n";
}

}  // namespace

std::string mistakes_html(const EvaluationReport& report, const Dataset& dataset) {
  const std::string head = "<h2>Worst mistakes</h2>\n";
  const std::vector<CaseLoss> wrong = report.top_losses(4 * shown_mistakes, true);
  if (wrong.empty()) return head + "<p>None: every picture is classified rightly.</p>\n";
  Pictures pictures(mistake_bytes);
  std::set<std::string> seen;
  return head + cards(report, dataset, wrong, shown_mistakes, 136, pictures, seen);
}

std::string right_answers_html(const EvaluationReport& report, const Dataset& dataset) {
  std::vector<CaseLoss> right = report.top_losses(report.labels.size());
  std::erase_if(right, [](const CaseLoss& c) { return c.label != c.predicted; });
  const std::string head = "<h2>Right answers</h2>\n";
  if (right.empty()) return head + "<p>None.</p>\n";
  // The surest of every class, then the others.
  std::vector<CaseLoss> surest(right.rbegin(), right.rend());
  std::set<int> classes;
  std::stable_partition(surest.begin(), surest.end(),
                        [&classes](const CaseLoss& c) { return classes.insert(c.label).second; });
  Pictures pictures(right_bytes);
  std::set<std::string> seen;
  std::string text =
      head + "<h3>The surest</h3>\n" + cards(report, dataset, surest, shown_right, 96, pictures, seen);
  if (right.size() > shown_right)
    text += "<h3>Nearly missed</h3>\n" + cards(report, dataset, right, shown_right, 96, pictures, seen);
  return text;
}

}  // namespace thaw
