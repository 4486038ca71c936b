#include "tools/report/data_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "tools/report/evaluation.h"
#include "tools/report/html.h"
#include "tools/report/pictures.h"

namespace thaw {

namespace {

constexpr std::size_t shown_pictures = 72, most_of_class = 6;
constexpr std::size_t picture_bytes = std::size_t{1000} << 10;
constexpr std::size_t rows_of_a_screen = 20;

struct Part {
  const char* name;
  const Dataset* dataset;
  std::vector<std::int64_t> counts;  // of each class
  std::int64_t all = 0;
};

// Those that hold pictures.
std::vector<Part> parts_of(const DatasetSplits& splits) {
  std::vector<Part> parts;
  for (const auto& [name, dataset] :
       {std::pair{"training", &splits.train}, std::pair{"validation", &splits.val},
        std::pair{"test", &splits.test}}) {
    if (dataset->samples.empty()) continue;
    Part part{name, dataset, dataset->class_counts()};
    part.all = std::accumulate(part.counts.begin(), part.counts.end(), std::int64_t{0});
    parts.push_back(std::move(part));
  }
  return parts;
}

std::string counts_table(const std::vector<std::string>& classes, const std::vector<Part>& parts) {
  std::int64_t most = 1;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    std::int64_t sum = 0;
    for (const Part& part : parts) sum += part.counts.at(c);
    most = std::max(most, sum);
  }
  std::string head = "<tr><th>class</th>", keys, all = "<tr><th>all</th>";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    head += fmt::format("<th>{}</th>", parts[i].name);
    keys += fmt::format("<span class=\"key split{}\"></span>{}", i + 1, parts[i].name);
    all += fmt::format("<td>{}</td>", parts[i].all);
  }
  std::string rows;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    std::string bars;
    rows += "<tr><td>" + html_escape(name_text(classes[c])) + "</td>";
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::int64_t n = parts[i].counts[c];
      rows += fmt::format("<td>{}</td>", n);
      bars += fmt::format("<span class=\"bar split{}\" style=\"width:{:.1f}%\"></span>", i + 1,
                          100 * static_cast<double>(n) / static_cast<double>(most));
    }
    rows += "<td style=\"text-align:left\">" + bars + "</td></tr>\n";
  }
  return html_scroll("table: pictures of each class",
                     "<table class=\"bars\">\n<thead>" + head + "<th></th></tr></thead>\n<tbody>\n" + rows +
                         all + "<td></td></tr>\n</tbody></table>",
                     classes.size() > rows_of_a_screen) +
         "<p class=\"soft\">Bars:" + keys + "</p>\n";
}

// What an accuracy must beat.
std::string most_frequent(const std::vector<std::string>& classes, const Part& part) {
  const auto top = std::max_element(part.counts.begin(), part.counts.end());
  return fmt::format(
      "<p>The most frequent class, <b>{}</b>, is {} % of the {} pictures: who always says it has that "
      "accuracy.</p>\n",
      html_escape(name_text(classes[static_cast<std::size_t>(top - part.counts.begin())])),
      percent_text(static_cast<double>(*top) / static_cast<double>(part.all)), part.name);
}

// Of each class some pictures from all over its list.
std::string samples(const Dataset& train) {
  std::vector<std::vector<const Sample*>> of_class(train.classes.size());
  for (const Sample& sample : train.samples)
    of_class.at(static_cast<std::size_t>(sample.label)).push_back(&sample);
  const std::size_t each = std::clamp<std::size_t>(shown_pictures / of_class.size(), 1, most_of_class);
  Pictures pictures(picture_bytes);
  std::string cards;
  std::size_t shown = 0;
  for (std::size_t c = 0; c < std::min(of_class.size(), shown_pictures) && pictures.room(); ++c) {
    const std::vector<const Sample*>& all = of_class[c];
    const std::size_t count = std::min(each, all.size());
    std::string images;
    for (std::size_t k = 0; k < count; ++k) images += pictures.images(*all[k * all.size() / count], 72);
    if (images.empty()) continue;
    cards += fmt::format("<figure><div>{}</div><figcaption><b>{}</b></figcaption></figure>\n", images,
                         html_escape(name_text(train.classes[c])));
    ++shown;
  }
  std::string text = fmt::format("<h3>Training pictures</h3>\n<div class=\"cards {}\">\n{}</div>\n",
                                 each > 3   ? "wide"
                                 : each > 1 ? "samples"
                                            : "single",
                                 cards);
  if (shown < of_class.size())
    text += fmt::format(
        "<p class=\"soft\">Pictures of {} of {} classes; {} classes are left out, to keep the page "
        "small.</p>\n",
        shown, of_class.size(), of_class.size() - shown);
  return text;
}

std::string notes_list(const std::vector<std::string>& notes) {
  if (notes.empty()) return "<p>The scan found nothing to tell of.</p>\n";
  std::string text = "<h3>What the scan found</h3>\n<ul class=\"notes\">\n";
  for (const std::string& note : notes) text += "<li>" + html_escape(name_text(note)) + "</li>\n";
  return text + "</ul>\n";
}

}  // namespace

std::string data_html(const DatasetSplits& splits) {
  const std::vector<Part> parts = parts_of(splits);
  const std::string head = "<h2>Data</h2>\n";
  if (parts.empty()) return head + notes_list(splits.notes);
  const std::vector<std::string>& classes = splits.train.classes;
  const Part& judged = parts[std::min<std::size_t>(1, parts.size() - 1)];
  return head + counts_table(classes, parts) + most_frequent(classes, judged) + notes_list(splits.notes) +
         (splits.train.samples.empty() ? "" : samples(splits.train));
}

}  // namespace thaw
