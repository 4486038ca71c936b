// The learning-rate range test: Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), nearly as fastai's
// lr_find does it. The rate grows by the same factor at each step of a trial run; the curve of the loss shows where learning
// begins and where it breaks.
#pragma once

#include <cstddef>
#include <vector>

namespace thaw {

struct RangeTest {
  std::vector<double> lr, loss;  // of each step; losses are smoothed
  double chosen = 0;             // 0: none yet
  bool found = false;            // whether the curve told `chosen`

  // Of step `i` of a whole test: 1e-5 to 10 in equal factors.
  static constexpr std::size_t steps = 100;
  static double rate(std::size_t i);

  // Adds the loss of the next step, smoothed by 0.9 and corrected for its start (fastai's AvgSmoothLoss; its 0.98 would lag
  // behind by half of the test). False: the test is over, because all steps are done or the loss is no number or more than
  // 4 times the smallest one.
  bool add(double step_loss);

  // Chooses a third of the rate where the loss is least (fastai's "minimum" takes a tenth; docs/experiments.md has trials).
  // False: the loss fell nowhere by a twentieth below that of the first tenth of the steps; `otherwise` is chosen.
  bool choose(double otherwise);

 private:
  double average_ = 0;
};

}  // namespace thaw
