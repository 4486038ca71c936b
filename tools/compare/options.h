// The options of compare: those of train without what plans and runs set, and its own.
#pragma once

#include <string>
#include <vector>

#include "tools/compare/run.h"

namespace thaw {

struct CompareOptions {
  TrainOptions train;
  std::vector<double> lr, scratch_lr;  // empty: the default of train
  std::vector<std::string> plans;      // empty: all
  std::string story;                   // empty: see compare_plans
  int seeds = 5;
  int scratch_size = 0;  // 0: as the other plans, at least 64
  bool json = false;

  // The learning rates that `plan` chooses from.
  std::vector<double> rates(const ComparePlan& plan) const;
};

void add_compare_options(CLI::App& app, CompareOptions& options);

// Throws UsageError where options are missing or do not go together.
void check_compare_options(const CompareOptions& options);

// `given` without compare's own options.
GivenOptions given_to_train(GivenOptions given);

}  // namespace thaw
