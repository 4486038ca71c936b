// Which plans cannot be told from the best one: a bootstrap over pictures and seeds.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/compare/result.h"

namespace thaw {

// Of accuracy(a) - accuracy(b), the 95 % interval between the percentiles of 2000 resamples (Efron and Tibshirani 1993),
// with the same random numbers every time. a and b hold CompareResult::right of the same pictures, one text per seed, in
// the same order; seeds and pictures are drawn with replacement, the same for both. Throws Error where they differ in
// length.
std::pair<double, double> bootstrap_difference(const std::vector<std::string>& a,
                                               const std::vector<std::string>& b);

struct Standing {
  bool known = true;         // false: a result does not tell which pictures were right (of an older version)
  double low = 0, high = 0;  // the 95 % interval of the difference to the best
  bool best = false, tied = false;  // tied: another plan than the best, and the interval holds 0
};

// One for each row; every row must have results. The best is the one of the greatest mean accuracy, on the test pictures
// where all have them, else on validation; of equal ones the first.
std::vector<Standing> standings(const std::vector<CompareRow>& rows);

// "Best on validation: all blocks, 87.5 % over 5 seeds. Tied with it: ...": which plan is best and which are tied with it,
// a sentence or two. Of no rows: "".
std::string verdict(const std::vector<CompareRow>& rows);

}  // namespace thaw
