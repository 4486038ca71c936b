#include "tools/compare/ties.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "kernels/error.h"
#include "kernels/philox.h"

namespace thaw {

namespace {

bool all_tested(const std::vector<CompareRow>& rows) {
  return std::all_of(rows.begin(), rows.end(), [](const CompareRow& row) { return row.test().has_value(); });
}

double mean_accuracy(const CompareRow& row, bool tested) {
  return spread(tested ? *row.test() : row.validation()).mean;
}

std::vector<std::string> right_of(const CompareRow& row) {
  std::vector<std::string> all;
  for (const CompareResult& r : row.results) all.push_back(r.right);
  return all;
}

// Whether the two rows tell of the same pictures with the same seeds.
bool comparable(const CompareRow& a, const CompareRow& b) {
  if (a.results.size() != b.results.size()) return false;
  for (std::size_t i = 0; i < a.results.size(); ++i)
    if (a.results[i].seed != b.results[i].seed || a.results[i].right.empty() ||
        a.results[i].right.size() != b.results[i].right.size())
      return false;
  return true;
}

}  // namespace

std::pair<double, double> bootstrap_difference(const std::vector<std::string>& a,
                                               const std::vector<std::string>& b) {
  constexpr std::size_t resamples = 2000;
  if (a.size() != b.size() || a.empty())
    throw Error(
        fmt::format("bootstrap_difference: {} and {} seeds; give as many of both", a.size(), b.size()));
  const std::size_t pictures = a.front().size();
  for (std::size_t s = 0; s < a.size(); ++s)
    if (a[s].size() != pictures || b[s].size() != pictures || pictures == 0)
      throw Error("bootstrap_difference: not every seed tells of the same pictures");
  std::vector<double> differences;
  std::vector<int> sums(pictures);  // over the drawn seeds
  for (std::size_t r = 0; r < resamples; ++r) {
    PhiloxStream random(42, Purpose::shuffle, 0, r);
    std::fill(sums.begin(), sums.end(), 0);
    for (std::size_t k = 0; k < a.size(); ++k) {
      const std::size_t s = random.below(static_cast<std::uint32_t>(a.size()));
      for (std::size_t p = 0; p < pictures; ++p) sums[p] += a[s][p] - b[s][p];
    }
    std::int64_t sum = 0;
    for (std::size_t k = 0; k < pictures; ++k)
      sum += sums[random.below(static_cast<std::uint32_t>(pictures))];
    differences.push_back(static_cast<double>(sum) / static_cast<double>(pictures * a.size()));
  }
  std::sort(differences.begin(), differences.end());
  return {differences[resamples * 25 / 1000], differences[resamples - 1 - resamples * 25 / 1000]};
}

std::vector<Standing> standings(const std::vector<CompareRow>& rows) {
  std::vector<Standing> all(rows.size());
  if (rows.empty()) return all;
  const bool tested = all_tested(rows);
  const auto best = std::max_element(rows.begin(), rows.end(), [tested](const auto& a, const auto& b) {
    return mean_accuracy(a, tested) < mean_accuracy(b, tested);
  });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Standing& standing = all[i];
    standing.best = &rows[i] == &*best;
    if (standing.best) continue;
    standing.known = comparable(rows[i], *best);
    if (!standing.known) continue;
    std::tie(standing.low, standing.high) = bootstrap_difference(right_of(rows[i]), right_of(*best));
    standing.tied = standing.low <= 0 && standing.high >= 0;
  }
  return all;
}

std::string verdict(const std::vector<CompareRow>& rows) {
  if (rows.empty()) return "";
  const std::vector<Standing> all = standings(rows);
  const bool tested = all_tested(rows);
  std::vector<std::string> tied, unknown;
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (all[i].tied) tied.push_back(rows[i].plan.title);
    if (!all[i].known) unknown.push_back(rows[i].plan.title);
    if (!all[i].best) continue;
    const std::size_t seeds = rows[i].results.size();
    text = fmt::format("Best on {}: {}, {} % over {} seed{}.", tested ? "the test pictures" : "validation",
                       rows[i].plan.title, percent(spread(tested ? *rows[i].test() : rows[i].validation())),
                       seeds, seeds == 1 ? "" : "s");
  }
  if (rows.size() == 1) return text;
  if (!tied.empty())
    text += fmt::format(
        " Tied with it, since the 95 % interval of the difference holds 0: {}. These pictures and seeds do "
        "not tell "
        "which of them is better.",
        fmt::join(tied, "; "));
  else if (unknown.empty())
    text += " No other plan is tied with it.";
  if (!unknown.empty())
    text += fmt::format(" Not known, since the results do not tell which pictures were right: {}.",
                        fmt::join(unknown, "; "));
  return text;
}

}  // namespace thaw
