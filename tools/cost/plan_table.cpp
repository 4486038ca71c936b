#include "tools/cost/plan_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "models/freeze/plan.h"
#include "models/registry.h"

namespace thaw {

namespace {

// "features[9] transition3" for the tenth child of `features`; a stage right below the network is named as it
// is.
std::string label_of(Network& network, const Network::Stage& stage) {
  const std::string& path = stage.module->path();
  const std::size_t dot = path.rfind('.');
  if (dot == std::string::npos) return stage.name;
  const std::string parent = path.substr(0, dot), own = path.substr(dot + 1);
  std::string label = stage.name;
  network.visit([&](Module& m) {
    if (m.path() != parent) return;
    for (std::size_t i = 0; i < m.children().size(); ++i) {
      if (m.children()[i].module != stage.module) continue;
      const bool numbered = own == std::to_string(i);  // the index says it all
      label = fmt::format("{}[{}]{}{}", parent, i, numbered ? "" : " ", numbered ? "" : own);
    }
  });
  return label;
}

std::string batch_norm_of(Module& stage) {
  std::set<std::string> kinds;
  stage.visit([&kinds](Module& m) {
    if (m.own_buffers().empty()) return;  // only a BatchNorm has some
    kinds.insert(!m.moves_buffers(Mode::train()) ? "running" : m.frozen() ? "moving" : "batch");
  });
  if (kinds.size() > 1) return "both";
  return kinds.empty() ? "" : *kinds.begin();
}

double percent_less(double now, double before) {
  return before > 0 ? 100 * (1 - now / before) : 0;
}

}  // namespace

PlanTable plan_table(const std::string& model, const NetworkOptions& options, const PlanSettings& settings) {
  const auto network = make_network(model, options);
  apply_freeze_plan(*network, settings.freeze);
  set_batch_norm_policy(*network, settings.bn);
  const std::int64_t size = settings.input_size > 0 ? settings.input_size : network->input().size;
  const std::vector<StageCost> costs = stage_costs(model, options, settings.freeze, size, settings.bn);

  PlanTable table;
  table.cost = sum_of(costs);
  table.all_cost = sum_of(stage_costs(model, options, "none", size));
  std::set<const Parameter*> counted;
  for (std::size_t i = 0; i < costs.size(); ++i) {
    const Network::Stage& stage = network->stages()[i];
    PlanRow row{label_of(*network, stage), stage.name};
    for (const Parameter* p : stage.module->parameters()) {
      if (!counted.insert(p).second) continue;
      row.parameters += p->value.elements();
      row.trained += p->frozen ? 0 : p->value.elements();
    }
    row.batch_norm = batch_norm_of(*stage.module);
    const bool head = stage.module == &network->head();
    if (row.trained > 0) row.lr = settings.lr * (head ? 1 : settings.backbone_lr_mult);
    row.cost = costs[i];
    table.parameters += row.parameters;
    table.trained += row.trained;
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::vector<std::vector<std::string>> plan_cells(const PlanTable& table) {
  std::vector<std::vector<std::string>> cells{
      {"", "parameters", "", "BatchNorm", "lr", "fwd MFLOP", "bwd MFLOP", "saved MB"}};
  const auto add = [&cells](std::vector<std::string> row, const StageCost& c) {
    row.push_back(fmt::format("{:.1f}", c.forward_flops / 1e6));
    row.push_back(fmt::format("{:.1f}", c.backward_flops / 1e6));
    row.push_back(fmt::format("{:.3f}", c.saved_bytes / 1e6));
    cells.push_back(std::move(row));
  };
  for (const PlanRow& row : table.rows) {
    const char* state = row.trained > 0      ? row.trained < row.parameters ? "partly" : "trainable"
                        : row.parameters > 0 ? "frozen"
                                             : "";
    add({row.label, std::to_string(row.parameters), state, row.batch_norm,
         row.trained > 0 ? fmt::format("{:.3g}", row.lr) : ""},
        row.cost);
  }
  add({"all", std::to_string(table.parameters), "", "", ""}, table.cost);
  return cells;
}

std::string plan_verdict(const PlanTable& table) {
  std::string text = fmt::format(
      "{} of {} parameters are trained ({:.1f} %). Against training all, a step saves {:.0f} % of the "
      "backward "
      "FLOPs ({:.1f} of {:.1f} M stay) and {:.0f} % of the saved activations ({:.3f} of {:.3f} MB stay).\n",
      table.trained, table.parameters, 100.0 - percent_less(double(table.trained), double(table.parameters)),
      percent_less(table.cost.backward_flops, table.all_cost.backward_flops), table.cost.backward_flops / 1e6,
      table.all_cost.backward_flops / 1e6, percent_less(table.cost.saved_bytes, table.all_cost.saved_bytes),
      table.cost.saved_bytes / 1e6, table.all_cost.saved_bytes / 1e6);
  const auto moves = [](const PlanRow& row) {
    return row.batch_norm == "moving" || (row.batch_norm == "both" && row.trained == 0);
  };
  if (std::any_of(table.rows.begin(), table.rows.end(), moves))
    text +=
        "BatchNorm moving: frozen, but its running statistics follow the batches, as PyTorch's do (--bn "
        "train).\n";
  return text;
}

std::string plan_text(const PlanTable& table) {
  std::size_t width = 4;
  for (const PlanRow& row : table.rows) width = std::max(width, row.label.size());
  std::string text;
  for (const auto& c : plan_cells(table))
    text += fmt::format("{:{}}{:>12}  {:10}{:10}{:>8}{:>11}{:>11}{:>11}\n", c[0], width, c[1], c[2], c[3],
                        c[4], c[5], c[6], c[7]);
  text.insert(text.size() - 1, "   per case");
  return text + plan_verdict(table);
}

nlohmann::ordered_json plan_json(const PlanTable& table) {
  nlohmann::ordered_json stages = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const PlanRow& row = table.rows[i];
    nlohmann::ordered_json entry;
    entry["index"] = i;
    entry["name"] = row.name;
    entry["parameters"] = row.parameters;
    entry["trainable"] = row.trained > 0;
    entry["label"] = row.label;
    entry["trained_parameters"] = row.trained;
    entry["batch_norm"] =
        row.batch_norm.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(row.batch_norm);
    entry["lr"] = row.lr;
    entry["forward_flops"] = row.cost.forward_flops;
    entry["backward_flops"] = row.cost.backward_flops;
    entry["saved_bytes"] = row.cost.saved_bytes;
    stages.push_back(std::move(entry));
  }
  nlohmann::ordered_json sums;
  sums["parameters"] = table.parameters;
  sums["trained_parameters"] = table.trained;
  sums["forward_flops"] = table.cost.forward_flops;
  sums["backward_flops"] = table.cost.backward_flops;
  sums["backward_flops_training_all"] = table.all_cost.backward_flops;
  sums["saved_bytes"] = table.cost.saved_bytes;
  sums["saved_bytes_training_all"] = table.all_cost.saved_bytes;
  return {{"stages", std::move(stages)}, {"plan", std::move(sums)}};
}

}  // namespace thaw
