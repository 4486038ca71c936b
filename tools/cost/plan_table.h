// What a freeze plan means for a network, stage by stage: what is trained, how BatchNorm behaves, what a step
// costs and what the plan saves against training all.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "layers/batch_norm.h"
#include "tools/cost/network_cost.h"

namespace thaw {

struct PlanSettings {
  std::string freeze = "none";
  BatchNormPolicy bn = BatchNormPolicy::automatic;
  double lr = 0;                // of the head
  double backbone_lr_mult = 1;  // times lr: of all else
  std::int64_t input_size = 0;  // side of the pictures; 0: the network's default
};

struct PlanRow {
  std::string label;  // as --freeze takes it, with the stage's name: "features[9] transition3", "layer3"
  std::string name;   // of the stage
  std::int64_t parameters = 0, trained = 0;
  // "batch", "running" or "both": whose statistics its BatchNorms normalise by in training; "moving": the
  // batch's, in a frozen one, whose running statistics move all the same. Empty: it has no BatchNorm.
  std::string batch_norm{};
  double lr = 0;     // 0: nothing is trained
  StageCost cost{};  // of a training step, per case
};

struct PlanTable {
  std::vector<PlanRow> rows;
  StageCost cost;      // the sum
  StageCost all_cost;  // the sum where nothing is frozen
  std::int64_t parameters = 0, trained = 0;
};

// The plan for registry model `model`. Throws Error on a bad plan, and if the pictures are too small for the
// network.
PlanTable plan_table(const std::string& model, const NetworkOptions& options, const PlanSettings& settings);

// The texts of a header, a row per stage and the sums; FLOPs and bytes are per case.
std::vector<std::vector<std::string>> plan_cells(const PlanTable& table);
// What is trained and saved, in whole sentences, a line each.
std::string plan_verdict(const PlanTable& table);
// For people: the cells in columns, then the verdict.
std::string plan_text(const PlanTable& table);

// The same for programs: "stages", an object per row, and "plan", the sums. FLOPs and bytes are per case.
nlohmann::ordered_json plan_json(const PlanTable& table);

}  // namespace thaw
