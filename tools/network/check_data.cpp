#include "tools/network/check_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/data/suspicions.h"
#include "io/file/text.h"
#include "kernels/error.h"
#include "tools/program/messages.h"

namespace thaw {
namespace {

constexpr std::int64_t few_pixels = 500'000'000;  // decoded in some seconds
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

CheckedData check_data(const std::vector<Dataset*>& parts, const DataOptions& o) {
  const int threads = std::max(1, o.workers);
  std::vector<VerifyReport> reports;
  std::int64_t pixels = 0;
  for (const Dataset* part : parts) {
    reports.push_back(verify_images(*part, threads));
    pixels += reports.back().pixels();
  }
  CheckedData checked;
  if (o.scan == "full" || o.on_bad_image == "skip" || (o.scan == "auto" && pixels <= few_pixels))
    for (std::size_t i = 0; i < parts.size(); ++i) reports[i] = verify_images(*parts[i], threads, true);
  else
    checked.notes.push_back(
        "only the headers of the pictures were looked at; --scan full looks at every pixel");
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
  CheckedData checked = check_data({&train, &val}, options);
  const LookedAt training{train, checked.facts[0]}, validation{val, checked.facts[1]};
  for (const auto& notes :
       {copies_in_two_classes(train), telltale_files(training), pictures_of_one_colour(training, validation),
        dark_pictures(training, validation), near_copies(training, validation)})
    checked.notes.insert(checked.notes.end(), notes.begin(), notes.end());
  return checked;
}

}  // namespace thaw
