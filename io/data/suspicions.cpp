#include "io/data/suspicions.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <map>

#include "io/data/split.h"
#include "io/file/text.h"

namespace thaw {
namespace {

using Property = std::function<std::string(const ImageHeader&)>;

std::string percent(double share) {
  return std::to_string(std::lround(100 * share)) + " %";
}

std::string counted(std::size_t count, const std::string& one, const std::string& more) {
  return std::to_string(count) + " " + (count == 1 ? one : more);
}

// How often each class has each value: values -> classes -> counts.
using Table = std::map<std::string, std::map<std::size_t, std::int64_t>>;

// The share of right answers of one who knows only the value, and counts all pictures but the one that is asked for: of
// equally frequent classes the first, of a value that no other picture has the class that is most frequent of all.
double right_by_value(const Table& table, const std::vector<std::int64_t>& classes, std::int64_t all) {
  const auto most =
      static_cast<std::size_t>(std::max_element(classes.begin(), classes.end()) - classes.begin());
  const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
  std::int64_t right = 0;
  for (const auto& [value, counts] : table) {
    const auto best = std::max_element(counts.begin(), counts.end(), fewer);
    // Only pictures of the most frequent class can be guessed: one less of another is still not ahead.
    std::map<std::size_t, std::int64_t> others = counts;
    if (--others[best->first] == 0) others.erase(best->first);
    const std::size_t guess =
        others.empty() ? most : std::max_element(others.begin(), others.end(), fewer)->first;
    if (guess == best->first) right += best->second;
  }
  return static_cast<double>(right) / static_cast<double>(all);
}

// "cat mostly PNG, dog mostly JPEG": of the two largest classes whose most frequent values differ.
std::string examples(const Table& table, const std::vector<std::string>& names) {
  const auto count = [](const auto& row, std::size_t label) {
    const auto at = row.second.find(label);
    return at == row.second.end() ? 0 : at->second;
  };
  std::string text, before;
  for (std::size_t label = 0; label < names.size(); ++label) {
    const auto most = std::max_element(table.begin(), table.end(), [&](const auto& a, const auto& b) {
      return count(a, label) < count(b, label);
    });
    if (count(*most, label) == 0 || most->first == before) continue;
    if (!text.empty()) return text + ", " + printable(names[label], 60) + " mostly " + most->first;
    text = printable(names[label], 60) + " mostly " + most->first;
    before = most->first;
  }
  return text;
}

}  // namespace

std::vector<std::string> copies_in_two_classes(const Dataset& train) {
  if (train.views > 1) return {};
  const std::vector<std::size_t> group =
      dataset_detail::content_groups(dataset_detail::pictures_of(train.samples));
  std::size_t copies = 0, example = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (train.samples[i].label == train.samples[group[i]].label) continue;
    if (copies++ == 0) example = i;
  }
  if (copies == 0) return {};
  return {counted(copies, "picture is", "pictures are") +
          " in two classes, byte for byte: " + printable(train.samples[example].relative) + " is " +
          printable(train.samples[group[example]].relative) + (copies > 1 ? " (the first)" : "") +
          "; one of the labels is wrong"};
}

std::vector<std::string> telltale_files(const LookedAt& train) {
  const std::pair<const char*, Property> properties[] = {
      {"format", [](const ImageHeader& h) { return std::string(h.format); }},
      {"size", [](const ImageHeader& h) { return std::to_string(h.width) + "x" + std::to_string(h.height); }},
      {"number of pixels",
       [](const ImageHeader& h) {
         const auto pixels = static_cast<std::uint64_t>(h.width) * static_cast<std::uint64_t>(h.height);
         return "about " + std::to_string(std::bit_floor(pixels)) + " pixels";
       }},
      {"colour", [](const ImageHeader& h) { return std::string(h.channels < 3 ? "grey" : "in colour"); }},
      {"EXIF block",
       [](const ImageHeader& h) { return std::string(h.exif ? "with EXIF" : "without EXIF"); }}};
  constexpr double clear_gain = 0.15, clear_deviations = 5;
  const auto views = static_cast<std::size_t>(train.dataset.views);
  const std::vector<std::int64_t> classes = train.dataset.class_counts();
  const auto all = static_cast<double>(train.dataset.samples.size());
  const double usual = static_cast<double>(*std::max_element(classes.begin(), classes.end())) / all;
  std::string best;
  double best_right = 0;
  for (const auto& [name, property] : properties) {
    Table table;
    for (std::size_t i = 0; i < train.dataset.samples.size(); ++i) {
      const PictureFacts& facts = train.facts.at(i * views);
      if (!facts.good) continue;
      ++table[property(facts.header)][static_cast<std::size_t>(train.dataset.samples[i].label)];
    }
    const double right = right_by_value(table, classes, static_cast<std::int64_t>(all));
    const bool clear =
        right - usual > clear_gain && right - usual > clear_deviations * std::sqrt(usual * (1 - usual) / all);
    if (!clear || right <= best_right) continue;
    best_right = right;
    best = "suspicion: the " + std::string(name) + " of a file alone tells " + percent(right) +
           " of the classes (always saying the most frequent one: " + percent(usual) +
           "): " + examples(table, train.dataset.classes) +
           "; the network may learn that instead of what the pictures show";
  }
  return best.empty() ? std::vector<std::string>{} : std::vector{best};
}

namespace {

// How many pictures of both parts are so, and the first one's name.
std::pair<std::size_t, std::string> count_of(const LookedAt& train, const LookedAt& val,
                                             const std::function<bool(const PictureFacts&)>& is_so) {
  std::size_t count = 0;
  std::string first;
  for (const LookedAt* part : {&train, &val})
    for (std::size_t i = 0; i < part->facts.size(); ++i)
      if (is_so(part->facts[i]) && count++ == 0)
        first = printable(part->dataset.samples[i / static_cast<std::size_t>(part->dataset.views)].relative);
  return {count, first};
}

}  // namespace

std::vector<std::string> pictures_of_one_colour(const LookedAt& train, const LookedAt& val) {
  const auto [count, first] = count_of(train, val, [](const PictureFacts& f) { return f.one_colour; });
  if (count == 0) return {};
  return {counted(count, "picture is", "pictures are") + " of one colour throughout (first: " + first + ")"};
}

std::vector<std::string> dark_pictures(const LookedAt& train, const LookedAt& val) {
  const auto [count, first] =
      count_of(train, val, [](const PictureFacts& f) { return f.dark && !f.one_colour; });
  if (count == 0) return {};
  return {counted(count, "picture is", "pictures are") + " next to black everywhere (first: " + first +
          "); 12-bit values in a 16-bit file look so: save them over the whole range"};
}

std::vector<std::string> near_copies(const LookedAt& train, const LookedAt& val) {
  constexpr std::size_t alike = 3;  // bits of 128
  constexpr double most = 4e9;      // comparisons; beyond, the start would take too long
  if (static_cast<double>(train.facts.size()) * static_cast<double>(val.facts.size()) > most)
    return {"training and validation pictures were not compared for look-alikes: there are too many"};
  std::size_t count = 0;
  std::string example;
  const auto sample = [](const LookedAt& part, std::size_t i) -> const Sample& {
    return part.dataset.samples[i / static_cast<std::size_t>(part.dataset.views)];
  };
  for (std::size_t v = 0; v < val.facts.size(); ++v) {
    const PictureFacts& facts = val.facts[v];
    if (!facts.decoded || facts.one_colour) continue;
    for (std::size_t t = 0; t < train.facts.size(); ++t) {
      const PictureFacts& other = train.facts[t];
      if (!other.decoded || other.one_colour || (facts.hash ^ other.hash).count() > alike) continue;
      if (count++ == 0)
        example = printable(sample(val, v).relative) + " and " + printable(sample(train, t).relative);
      break;
    }
  }
  if (count == 0) return {};
  return {"suspicion: " + counted(count, "validation picture looks", "validation pictures look") +
          " like a training picture (first: " + example +
          "); where they show the same thing, validation figures will flatter"};
}

}  // namespace thaw
