// One run of compare: one plan, one learning rate, one seed, in a folder of its own.
#pragma once

#include <optional>
#include <string>

#include "tools/compare/inputs.h"
#include "tools/compare/result.h"
#include "tools/train/given_options.h"
#include "tools/train/shared_prefix.h"

namespace thaw {

// Leaves the scratch CNN's four convolutions and poolings something to see.
constexpr int smallest_scratch_size = 64;

// What all runs of a comparison share.
struct CompareSettings {
  TrainOptions base;   // data, weights, schedule, ...; output: the comparison's folder
  GivenOptions given;  // the same as the user gave them, without what a plan or run sets
  int scratch_size = smallest_scratch_size;  // side of the scratch CNN's pictures
  SharedPrefix* shared = nullptr;            // of the pretrained plans' runs
  CompareInputs inputs{};                    // what the data and the weights hold
};

// The options of a run; its output is OUTPUT/runs/PLAN-LR-SEED.
TrainOptions run_options(const CompareSettings& settings, const ComparePlan& plan, double lr,
                         std::uint64_t seed);

// What a finished run left; none where there is no such run. Throws Error when its folder holds a run of other pictures,
// weights or options.
std::optional<CompareResult> finished_run(const CompareSettings& settings, const ComparePlan& plan, double lr,
                                          std::uint64_t seed);

// Trains (or continues, or only reads what a finished run left) in OUTPUT/runs/PLAN-LR-SEED; tests the best
// epoch's weights where there are test pictures. Leaves best.safetensors, metrics.jsonl and result.json
// there. Without a result: stopped by a signal, `exit_code` says with which code to end. Throws Error when
// the folder holds a run with other options, and as TrainingRun does.
std::optional<CompareResult> compare_run(const CompareSettings& settings, const ComparePlan& plan, double lr,
                                         std::uint64_t seed, int& exit_code);

}  // namespace thaw
