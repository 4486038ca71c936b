#include "tools/network/check_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/data/suspicions.h"
#include "io/file/text.h"
#include "kernels/error.h"
#include "tools/program/messages.h"

namespace thaw {
namespace {

constexpr std::size_t listed = 20;

void list_bad(const std::vector<BadSample>& bad) {
  for (std::size_t i = 0; i < bad.size() && i < listed; ++i)
    say("bad picture: {}: {}\n", printable(bad[i].path), bad[i].reason);
  if (bad.size() > listed) say("and {} more bad pictures\n", bad.size() - listed);
}

[[noreturn]] void refuse(const std::vector<BadSample>& bad) {
  const BadSample& first = bad.front();
  std::string message = printable(first.path) + ": " + first.reason;
  if (bad.size() > 1) message += fmt::format(" (and {} more pictures cannot be read)", bad.size() - 1);
  throw Error(message + (bad.size() == 1 ? "; mend or remove the file" : "; mend or remove the files") +
              ", or leave out bad pictures with --on-bad-image skip");
}

}  // namespace

CheckedData check_data(const std::vector<Dataset*>& parts, const DataOptions& o, std::int64_t few_pixels) {
  const int threads = std::max(1, o.workers);
  bool full = o.scan == "full" || o.on_bad_image == "skip";
  std::vector<VerifyReport> reports;
  std::int64_t pixels = 0;
  for (const Dataset* part : parts) {
    reports.push_back(verify_images(*part, threads, full));
    pixels += reports.back().pixels();
  }
  if (!full && o.scan == "auto" && pixels <= few_pixels) {
    full = true;
    for (std::size_t i = 0; i < parts.size(); ++i) reports[i] = verify_images(*parts[i], threads, true);
  }
  CheckedData checked;
  checked.full = full;
  std::vector<BadSample> bad;
  for (const VerifyReport& report : reports) bad.insert(bad.end(), report.bad.begin(), report.bad.end());
  if (bad.size() > 1 || (o.on_bad_image == "skip" && !bad.empty())) list_bad(bad);
  if (!bad.empty() && o.on_bad_image == "error") refuse(bad);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    checked.bad += reports[i].table();
    drop_bad(*parts[i], reports[i], o.max_bad_fraction);
    checked.notes.insert(checked.notes.end(), reports[i].notes.begin(), reports[i].notes.end());
    checked.facts.push_back(std::move(reports[i].facts));
  }
  if (!bad.empty())
    checked.notes.push_back(
        fmt::format("{} left out (--on-bad-image skip)",
                    bad.size() == 1 ? "1 bad picture is" : std::to_string(bad.size()) + " bad pictures are"));
  return checked;
}

CheckedData check_training_data(Dataset& train, Dataset& val, const DataOptions& options) {
  constexpr std::int64_t some_seconds = 500'000'000;  // pixels that are decoded in that time
  CheckedData checked = check_data({&train, &val}, options, options.known_notes ? 0 : some_seconds);
  if (options.known_notes) {
    checked.notes = *options.known_notes;
    return checked;
  }
  const LookedAt training{train, checked.facts[0]}, validation{val, checked.facts[1]};
  for (const auto& notes :
       {copies_in_two_classes(train), telltale_files(training), pictures_of_one_colour(training, validation),
        dark_pictures(training, validation), near_copies(training, validation)})
    checked.notes.insert(checked.notes.end(), notes.begin(), notes.end());
  if (!checked.full)
    checked.notes.push_back(
        "only the headers of the pictures were looked at; --scan full looks at every pixel");
  return checked;
}

}  // namespace thaw
