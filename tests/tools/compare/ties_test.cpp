#include "tools/compare/ties.h"

#include <doctest/doctest.h>

#include "kernels/error.h"

namespace thaw {
namespace {

CompareRow row(const std::string& key, const std::vector<std::string>& right) {
  CompareRow r{{key, "plan " + key, "resnet20", true, "none"}, {}, {0.1}};
  for (std::size_t seed = 0; seed < right.size(); ++seed) {
    CompareResult result;
    result.seed = seed + 1;
    result.lr = 0.1;
    result.right = right[seed];
    for (const char c : right[seed])
      result.val_accuracy += (c == '1' ? 1.0 : 0.0) / static_cast<double>(right[seed].size());
    r.results.push_back(result);
  }
  return r;
}

std::string ones(std::size_t count, std::size_t of) {
  return std::string(count, '1') + std::string(of - count, '0');
}

TEST_CASE(
    "bootstrap_difference: paired, so that equal answers differ by nothing; else the binomial's quantiles") {
  CHECK(bootstrap_difference({ones(30, 100)}, {ones(30, 100)}) == std::pair{0.0, 0.0});
  CHECK(bootstrap_difference({"111"}, {"000"}) == std::pair{1.0, 1.0});
  // Ten pictures of 100 are gained: the resamples' sums are binomial with quantiles 5 and 16 (scipy.stats.binom.ppf).
  const auto [low, high] = bootstrap_difference({ones(60, 100)}, {ones(50, 100)});
  CHECK(low == doctest::Approx(0.05).scale(1).epsilon(0.0101));
  CHECK(high == doctest::Approx(0.16).scale(1).epsilon(0.0101));
  CHECK(bootstrap_difference({ones(60, 100)}, {ones(50, 100)}) == std::pair{low, high});
  // Seeds that disagree make it wide, though each of them has a thousand pictures.
  const auto wide =
      bootstrap_difference({ones(1000, 1000), ones(0, 1000)}, {ones(500, 1000), ones(500, 1000)});
  CHECK(wide.first < -0.4);
  CHECK(wide.second > 0.4);
  CHECK_THROWS_AS(bootstrap_difference({"11"}, {"1"}), Error);
  CHECK_THROWS_AS(bootstrap_difference({"11"}, {"11", "11"}), Error);
}

TEST_CASE("standings: the best plan, those that are tied with it, those that are not") {
  const std::vector<CompareRow> rows{row("0", {ones(50, 200), ones(52, 200)}),
                                     row("1", {ones(150, 200), ones(149, 200)}),
                                     row("all", {ones(150, 200), ones(150, 200)})};
  const auto all = standings(rows);
  CHECK(all[2].best);
  CHECK(all[1].tied);
  CHECK_FALSE(all[0].tied);
  CHECK(all[0].high < -0.3);
  const std::string text = verdict(rows);
  CHECK(text.starts_with("Best on validation: plan all, 75.0 ± 0.0 % over 2 seeds. Tied with it"));
  CHECK(text.find("plan 1.") != std::string::npos);
  CHECK(text.find("plan 0") == std::string::npos);
  const auto cells = compare_cells(rows);
  CHECK(cells[3].back() == "the best");
  CHECK(cells[2].back().ends_with(", tied"));
  CHECK(compare_json(rows).find("\"tied_with_best\":true") != std::string::npos);
  CHECK(verdict({rows[0], rows[2]}).find("No other plan is tied with it.") != std::string::npos);
  CHECK(verdict({}).empty());

  // Results of an older version do not tell, which is said.
  std::vector<CompareRow> old = rows;
  old[1].results[0].right.clear();
  CHECK(verdict(old).find("Not known, since the results do not tell which pictures were right: plan 1.") !=
        std::string::npos);
  CHECK(compare_cells(old)[2].back() == "not known");
}

}  // namespace
}  // namespace thaw
