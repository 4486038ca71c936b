// inspect: names, shapes and parameters of a file or a network, and what a freeze plan leaves trainable.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "io/weights.h"
#include "models/freeze_plan.h"
#include "models/registry.h"
#include "tools/network_cost.h"
#include "tools/program.h"
#include "tools/session.h"

namespace {

using namespace thaw;

struct Row {
  std::string name;
  Shape shape;
  DType type = DType::f32;
  bool trainable = false;
};

struct StageRow {
  std::string name;
  std::int64_t parameters = 0;
  bool trainable = false;
};

struct Inspection {
  std::string model;  // empty: not known
  std::vector<Row> tensors;
  std::vector<StageRow> stages;
  std::vector<StageCost> costs;  // empty: not known
};

Inspection inspect_network(Network& network) {
  Inspection found;
  found.model = network.name();
  network.visit([&](Module& m) {
    for (const Parameter* p : m.own_parameters())
      found.tensors.push_back({p->name, p->value.shape(), p->value.dtype(), !p->frozen});
    for (const Buffer* b : m.own_buffers())
      found.tensors.push_back({b->name, b->value.shape(), b->value.dtype(), false});
  });
  std::set<const Parameter*> counted;
  for (const Network::Stage& stage : network.stages()) {
    StageRow row{stage.name};
    if (stage.module != nullptr)
      for (const Parameter* p : stage.module->parameters()) {
        if (!counted.insert(p).second) continue;
        row.parameters += p->value.elements();
        row.trainable = row.trainable || !p->frozen;
      }
    found.stages.push_back(std::move(row));
  }
  return found;
}

Inspection inspect_file(const std::string& path, const std::string& freeze) {
  ReadOptions options;
  options.convert_floats = false;
  const LoadedWeights file = read_weights(path, options);
  for (const std::string& note : file.notes) fmt::print(stderr, "weights: {}\n", note);
  Inspection found;
  if (!file.metadata.empty()) {
    const ModelDescription description = ModelDescription::parse(file.metadata, path);
    const auto network = make_network(description.model, description.options);
    apply_freeze_plan(*network, freeze);
    found = inspect_network(*network);
    found.tensors.clear();
    for (const auto& [name, tensor] : file.tensors) {
      bool trainable = false;
      for (const Parameter* p : network->parameters())
        trainable = trainable || (p->name == name && !p->frozen);
      found.tensors.push_back({name, tensor.shape(), tensor.dtype(), trainable});
    }
    return found;
  }
  if (freeze != "none")
    throw UsageError("--freeze: " + path + " does not name its network; use --model NAME --freeze SPEC");
  for (const auto& [name, tensor] : file.tensors) {
    const bool buffer = name.ends_with("running_mean") || name.ends_with("running_var") ||
                        name.ends_with("num_batches_tracked");
    found.tensors.push_back({name, tensor.shape(), tensor.dtype(), !buffer});
  }
  return found;
}

void print_json(const Inspection& found) {
  nlohmann::ordered_json out;
  out["model"] = found.model.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(found.model);
  out["tensors"] = nlohmann::ordered_json::array();
  for (const Row& t : found.tensors) {
    nlohmann::ordered_json entry;
    entry["name"] = t.name;
    entry["shape"] = t.shape.extents();
    entry["dtype"] = dtype_name(t.type);
    entry["elements"] = t.shape.elements();
    entry["trainable"] = t.trainable;
    out["tensors"].push_back(std::move(entry));
  }
  out["stages"] = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < found.stages.size(); ++i) {
    nlohmann::ordered_json entry;
    entry["index"] = i;
    entry["name"] = found.stages[i].name;
    entry["parameters"] = found.stages[i].parameters;
    entry["trainable"] = found.stages[i].trainable;
    out["stages"].push_back(std::move(entry));
  }
  fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void print_stages(const Inspection& found) {
  if (!found.costs.empty())
    fmt::print("{:23}{:>11}{:>16}{:>17}{:>11}   per picture\n", "", "parameters", "forward MFLOPs",
               "backward MFLOPs", "saved MB");
  StageCost sum;
  for (std::size_t i = 0; i < found.stages.size(); ++i) {
    const StageRow& stage = found.stages[i];
    fmt::print("{:23}{:11}", fmt::format("stages[{}] {}", i, stage.name), stage.parameters);
    if (!found.costs.empty()) {
      const StageCost& cost = found.costs[i];
      fmt::print("{:16.1f}{:17.1f}{:11.3f}", cost.forward_flops / 1e6, cost.backward_flops / 1e6,
                 cost.saved_bytes / 1e6);
      sum.forward_flops += cost.forward_flops;
      sum.backward_flops += cost.backward_flops;
      sum.saved_bytes += cost.saved_bytes;
    }
    fmt::print("{}\n", stage.trainable ? "   trainable" : stage.parameters > 0 ? "   frozen" : "");
  }
  if (!found.costs.empty())
    fmt::print("{:34}{:16.1f}{:17.1f}{:11.3f}\n", "all", sum.forward_flops / 1e6, sum.backward_flops / 1e6,
               sum.saved_bytes / 1e6);
}

void print_table(const Inspection& found) {
  std::size_t width = 6;
  for (const Row& t : found.tensors) width = std::max(width, t.name.size());
  std::int64_t elements = 0, trainable = 0;
  for (const Row& t : found.tensors) {
    fmt::print("{:{}}  {:4}  {:20}  {:10}{}\n", t.name, width, dtype_name(t.type), t.shape.text(),
               t.shape.elements(), t.trainable ? "  trainable" : "");
    elements += t.shape.elements();
    if (t.trainable) trainable += t.shape.elements();
  }
  print_stages(found);
  fmt::print("{}{} tensors, {} elements, {} trainable\n", found.model.empty() ? "" : found.model + ": ",
             found.tensors.size(), elements, trainable);
}

}  // namespace

int main(int argc, char** argv) {
  const auto app = make_app("Names, shapes and parameters of a file or a network.", "inspect");
  std::string file, model, freeze = "none";
  std::int64_t input_size = 0;
  bool json = false;
  app->add_option("FILE", file, "a .pth, .pt, .th or .safetensors file")->default_str("");
  app->add_option("--model", model, "a network instead of a file")->default_str("");
  app->add_option("--freeze", freeze,
                  "freeze plan: NAME[a:b], upto:NAME, none, backbone, globs; comma-separated");
  app->add_option("--input-size", input_size,
                  "side of the pictures that the costs are for (default: the model's)")
      ->check(CLI::Range(1, 8192));
  app->add_flag("--json", json, "one JSON object on stdout");
  return run_program(*app, argc, argv, [&] {
    if (file.empty() == model.empty()) throw UsageError("give either FILE or --model NAME; see --help");
    Inspection found;
    if (!model.empty()) {
      check_model_name(model);
      const NetworkOptions options{.num_classes = default_num_classes(model),
                                   .in_channels = default_in_channels(model),
                                   .input_size = input_size};
      const auto network = make_network(model, options);
      apply_freeze_plan(*network, freeze);
      found = inspect_network(*network);
      if (!json)
        found.costs =
            stage_costs(model, options, freeze, input_size > 0 ? input_size : network->input().size);
    } else {
      found = inspect_file(file, freeze);
    }
    json ? print_json(found) : print_table(found);
    return static_cast<int>(exit_done);
  });
}
