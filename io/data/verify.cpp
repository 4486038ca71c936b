#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "io/data/class_folders.h"
#include "io/data/dataset.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {

namespace {

struct Verdict {
  bool good = false;
  int width = 0;
  int height = 0;
  std::string reason;
  std::vector<std::string> notes;
};

// The error's text without the path in front, which the table has anyway.
std::string without_name(const std::string& text, const std::string& path) {
  const std::string prefix = printable(path) + ": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

Verdict examine(const std::string& path, bool full, const ImageLimits& limits) {
  Verdict verdict;
  try {
    if (full) {
      Image image = read_image(path, 3, limits);
      verdict = {true, image.width, image.height, {}, std::move(image.notes)};
    } else {
      ImageHeader header = image_header(path, limits);
      verdict = {true, header.width, header.height, {}, std::move(header.notes)};
    }
  } catch (const std::exception& error) {
    verdict.reason = without_name(error.what(), path);
  }
  return verdict;
}

}  // namespace

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
    const Verdict& verdict = verdicts[i];
    if (!verdict.good) {
      report.bad.push_back({i / views, path(i), verdict.reason});
      continue;
    }
    const bool first = report.max_width == 0;
    report.min_width = first ? verdict.width : std::min(report.min_width, verdict.width);
    report.min_height = first ? verdict.height : std::min(report.min_height, verdict.height);
    report.max_width = std::max(report.max_width, verdict.width);
    report.max_height = std::max(report.max_height, verdict.height);
    for (const std::string& note : verdict.notes) ++notes.try_emplace(note, 0, i).first->second.first;
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

void drop_bad(Dataset& dataset, const VerifyReport& report, double max_fraction) {
  if (report.bad.empty()) return;
  const std::size_t count = dataset.samples.size();
  if (static_cast<double>(report.bad.size()) > max_fraction * static_cast<double>(count)) {
    throw Error(std::to_string(report.bad.size()) + " of " + std::to_string(count) +
                " pictures are bad, more than max_fraction allows:\n" + report.table());
  }
  const std::vector<std::int64_t> before = dataset.class_counts();
  std::vector<bool> bad(count);
  for (const BadSample& sample : report.bad) bad.at(sample.index) = true;
  std::vector<Sample> good;
  for (std::size_t i = 0; i < count; ++i) {
    if (!bad[i]) good.push_back(dataset.samples[i]);
  }
  dataset.samples = std::move(good);
  const std::vector<std::int64_t> after = dataset.class_counts();
  for (std::size_t label = 0; label < after.size(); ++label) {
    if (before[label] > 0 && after[label] == 0) {
      throw Error("class " + printable(dataset.classes[label]) + ": all its pictures are bad");
    }
  }
}

}  // namespace thaw
