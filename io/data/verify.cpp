#include "io/data/verify.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "io/data/class_folders.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {

namespace {

struct Verdict {
  PictureFacts facts;
  std::string reason;
};

// The error's text without the path in front, which the table has anyway.
std::string without_name(const std::string& text, const std::string& path) {
  const std::string prefix = printable(path) + ": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

Verdict examine(const std::string& path, bool full, const ImageLimits& limits) {
  Verdict verdict;
  PictureFacts& facts = verdict.facts;
  try {
    if (full) {
      const std::vector<std::uint8_t> bytes = read_picture_file(path, limits.file_bytes);
      facts.header = image_header(bytes, path, limits);
      const Image image = decode_image(bytes, 3, path, limits);
      facts.header.notes = image.notes;
      facts.hash = difference_hash(image);
      facts.one_colour = one_colour(image);
      constexpr int dark = 32;  // of 255
      facts.dark = *std::max_element(image.pixels.begin(), image.pixels.end()) < dark;
      facts.decoded = true;
    } else {
      facts.header = image_header(path, limits);
    }
    facts.good = true;
  } catch (const std::exception& error) {
    verdict.reason = without_name(error.what(), path);
  }
  return verdict;
}

}  // namespace

std::int64_t VerifyReport::pixels() const {
  std::int64_t sum = 0;
  for (const PictureFacts& f : facts) sum += std::int64_t{f.header.width} * f.header.height;
  return sum;
}

std::string VerifyReport::table() const {
  std::string text;
  for (const BadSample& sample : bad) text += printable(sample.path) + ": " + sample.reason + "\n";
  return text;
}

VerifyReport verify_images(const Dataset& dataset, int threads, bool full, const ImageLimits& limits) {
  const auto views = static_cast<std::size_t>(dataset.views);
  const std::size_t count = dataset.samples.size() * views;
  const auto path = [&](std::size_t i) -> const std::string& {
    return dataset.samples[i / views].view(i % views);
  };
  std::vector<Verdict> verdicts(count);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) verdicts[i] = examine(path(i), full, limits);
  };
  {
    std::vector<std::jthread> pool;
    for (int t = 1; t < threads && static_cast<std::size_t>(t) < count; ++t) pool.emplace_back(work);
    work();
  }

  VerifyReport report;
  std::map<std::string, std::pair<std::int64_t, std::size_t>> notes;  // text -> count, first sample
  for (std::size_t i = 0; i < count; ++i) {
    Verdict& verdict = verdicts[i];
    if (!verdict.facts.good) report.bad.push_back({i / views, path(i), verdict.reason});
    for (const std::string& note : verdict.facts.header.notes)
      ++notes.try_emplace(note, 0, i).first->second.first;
    report.facts.push_back(std::move(verdict.facts));
  }
  for (const auto& [note, where] : notes) {
    report.notes.push_back(
        std::to_string(where.first) + (where.first == 1 ? " file: " : " files: ") + note + " (first: " +
        printable(where.second % views == 0 ? dataset.samples[where.second / views].relative
                                            : path(where.second)) +
        ")");
  }
  return report;
}

void drop_bad(Dataset& dataset, VerifyReport& report, double max_fraction) {
  if (report.bad.empty()) return;
  const auto views = static_cast<std::size_t>(dataset.views);
  const std::size_t count = dataset.samples.size();
  std::vector<bool> bad(count);
  for (const BadSample& sample : report.bad) bad.at(sample.index) = true;
  const auto dropped = static_cast<std::size_t>(std::count(bad.begin(), bad.end(), true));
  if (static_cast<double>(dropped) > max_fraction * static_cast<double>(count))
    throw Error(std::to_string(dropped) + " of " + std::to_string(count) +
                " pictures cannot be read, a share of " +
                std::to_string(static_cast<double>(dropped) / static_cast<double>(count)) +
                ", more than --max-bad-fraction allows");
  const std::vector<std::int64_t> before = dataset.class_counts();
  std::vector<Sample> good;
  std::vector<PictureFacts> facts;
  for (std::size_t i = 0; i < count; ++i) {
    if (bad[i]) continue;
    good.push_back(std::move(dataset.samples[i]));
    for (std::size_t v = 0; v < views; ++v) facts.push_back(std::move(report.facts.at(i * views + v)));
  }
  dataset.samples = std::move(good);
  report.facts = std::move(facts);
  const std::vector<std::int64_t> after = dataset.class_counts();
  for (std::size_t label = 0; label < after.size(); ++label)
    if (before[label] > 0 && after[label] == 0)
      throw Error("class " + printable(dataset.classes[label]) + ": none of its pictures can be read");
}

}  // namespace thaw
