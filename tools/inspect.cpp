// inspect: names, shapes and parameters of a file or a network, and what a freeze plan leaves trainable.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "io/file/text.h"
#include "io/weights/weights.h"
#include "models/freeze/plan.h"
#include "models/registry.h"
#include "tools/cost/plan_table.h"
#include "tools/network/open_network.h"
#include "tools/network/run_card.h"
#include "tools/program/frame.h"
#include "tools/program/messages.h"
#include "tools/program/values.h"
#include "tools/train/options.h"

namespace {

using namespace thaw;

struct Row {
  std::string name;
  Shape shape;
  DType type = DType::f32;
  bool trainable = false;
};

struct Inspection {
  std::string model{};  // empty: not known
  std::vector<Row> tensors{};
  PlanTable plan{};                    // empty: the network is not known
  std::string run{};                   // RunCard::json; empty: not known
  std::string input{};                 // how pictures become input; empty: not known
  std::vector<std::string> classes{};  // empty: not known
};

Inspection inspect_network(const std::string& model, const NetworkOptions& options, PlanSettings settings) {
  if (settings.freeze.empty()) settings.freeze = "none";
  const auto network = make_network(model, options);
  try {
    apply_freeze_plan(*network, settings.freeze);
  } catch (const Error& e) {
    throw UsageError(e.what());
  }
  Inspection found{model, {}, plan_table(model, options, settings)};
  network->visit([&](Module& m) {
    for (const Parameter* p : m.own_parameters())
      found.tensors.push_back({p->name, p->value.shape(), p->value.dtype(), !p->frozen});
    for (const Buffer* b : m.own_buffers())
      found.tensors.push_back({b->name, b->value.shape(), b->value.dtype(), false});
  });
  return found;
}

// The plan that the file was trained with, where it tells it.
void use_plan(const std::string& run, const std::string& path, PlanSettings& settings) try {
  const RunCard card = RunCard::parse(run, path);
  settings.freeze = card.freeze;
  if (settings.bn == BatchNormPolicy::automatic) settings.bn = batch_norm_policy(card.bn);
} catch (const Error&) {  // said where the card is shown
}

Inspection inspect_file(const std::string& path, PlanSettings settings) {
  ReadOptions options;
  options.convert_floats = false;
  const LoadedWeights file = read_weights(path, options);
  for (const std::string& note : file.notes) say("weights: {}\n", note);
  Inspection found;
  if (!file.metadata.empty()) {
    const NetworkFile opened = open_network(file, {}, path);
    const ModelDescription& description = opened.description;
    const std::string run = description.run, input = input_line(description.preprocess);
    if (!run.empty() && settings.freeze.empty()) use_plan(run, path, settings);
    if (settings.input_size == 0) settings.input_size = description.preprocess.input_size;
    found = inspect_network(description.model, description.options, settings);
    found.run = run;
    found.input = input;
    found.classes = description.classes;
    std::set<std::string> trainable;
    for (const Row& row : found.tensors)
      if (row.trainable) trainable.insert(row.name);
    found.tensors.clear();
    for (const auto& [name, tensor] : file.tensors)
      found.tensors.push_back({name, tensor.shape(), tensor.dtype(), trainable.count(name) > 0});
    return found;
  }
  if (!settings.freeze.empty())
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
  if (!found.run.empty()) out["run"] = nlohmann::ordered_json::parse(found.run);
  if (!found.classes.empty()) out["classes"] = found.classes;
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
  if (found.plan.rows.empty())
    out["stages"] = nlohmann::ordered_json::array();
  else
    out.update(plan_json(found.plan));
  fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

std::string class_line(const std::vector<std::string>& classes) {
  constexpr std::size_t most = 12;
  std::string text = fmt::format("{} classes:", classes.size());
  for (std::size_t i = 0; i < classes.size() && i < most; ++i)
    text += (i > 0 ? ", " : " ") + printable(classes[i], 60);
  return text + (classes.size() > most ? ", ...\n" : "\n");
}

void print_table(const Inspection& found, const std::string& file) {
  if (!found.run.empty()) try {
      fmt::print("{}", RunCard::parse(found.run, file).text());
    } catch (const Error& e) {
      say("warning: {}\n", e.what());
    }
  if (!found.classes.empty()) fmt::print("{}", class_line(found.classes));
  if (!found.input.empty()) fmt::print("{}\n", found.input);
  std::size_t width = 6;
  for (const Row& t : found.tensors) width = std::max(width, t.name.size());
  std::int64_t elements = 0, trainable = 0;
  for (const Row& t : found.tensors) {
    fmt::print("{:{}}  {:4}  {:20}  {:10}{}\n", t.name, width, dtype_name(t.type), t.shape.text(),
               t.shape.elements(), t.trainable ? "  trainable" : "");
    elements += t.shape.elements();
    if (t.trainable) trainable += t.shape.elements();
  }
  if (!found.plan.rows.empty()) fmt::print("{}", plan_text(found.plan));
  fmt::print("{}{} tensors, {} elements, {} trainable\n", found.model.empty() ? "" : found.model + ": ",
             found.tensors.size(), elements, trainable);
}

}  // namespace

int main(int argc, char** argv) {
  const auto app =
      make_app("Names, shapes and parameters of a file or a network, and what a freeze plan means for it.",
               "inspect", "inspect --model resnet18 --freeze backbone");
  std::string file;
  // Of train: what is said here of them holds there.
  TrainOptions train;
  std::int64_t views = 1, features = 0, classes = 0;
  bool json = false;
  app->add_option("FILE", file, "a .pth, .pt, .th or .safetensors file")->default_str("");
  auto* model = app->add_option("--model", train.model.model, "a network instead of a file")
                    ->type_name("NAME")
                    ->default_str("");
  app->add_option(
         "--freeze", train.freeze,
         "freeze plan: NAME[a:b], upto:NAME, none, backbone, globs; comma-separated (default: the one that "
         "the file was trained with, else none)")
      ->type_name("SPEC")
      ->default_str("");
  app->add_option("--bn", train.bn,
                  "which BatchNorm layers use the batch: auto: trainable ones, frozen: none, train: all")
      ->check(one_of({"auto", "frozen", "train"}));
  app->add_option("--lr", train.lr, "learning rate of the head (default: what train would take)")
      ->check(above_zero())
      ->default_str("");
  app->add_option("--backbone-lr-mult", train.backbone_lr_mult,
                  "learning rate of all but the head, times --lr")
      ->check(zero_or_more());
  app->add_option("--input-size", train.model.input_size,
                  "side of the pictures that the costs are for (default: the model's)")
      ->check(between(1, 4096))
      ->default_str("");
  for (CLI::Option* option :
       {app->add_option("--num-classes", classes, "outputs (default: the model's)")
            ->check(between(1, 1000000))
            ->default_str(""),
        app->add_option("--in-chans", train.model.in_channels,
                        "channels of the pictures (default: the model's)")
            ->check(one_of({"1", "3"}))
            ->default_str(""),
        app->add_option("--views", views, "pictures of a case")->check(between(1, 1024)),
        app->add_option("--features", features, "numbers of a case")->check(between(0, 1000000))})
    option->needs(model);
  app->add_flag("--json", json, "one JSON object on stdout");
  return run_program(*app, argc, argv, [&] {
    if (file.empty() == train.model.model.empty())
      throw UsageError("give either FILE or --model NAME; see --help");
    train.model.weights = file;
    const PlanSettings settings{.freeze = train.freeze,
                                .bn = batch_norm_policy(train.bn),
                                .lr = train.base_lr(),
                                .backbone_lr_mult = train.backbone_lr_mult,
                                .input_size = train.model.input_size};
    Inspection found;
    if (file.empty()) {
      const std::string& name = train.model.model;
      check_model_name(name);
      const NetworkOptions options{.num_classes = classes > 0 ? classes : network_facts(name).num_classes,
                                   .in_channels = train.model.in_channels > 0
                                                      ? train.model.in_channels
                                                      : network_facts(name).in_channels,
                                   .views = views,
                                   .features = features,
                                   .input_size = train.model.input_size};
      found = inspect_network(name, options, settings);
    } else {
      found = inspect_file(file, settings);
    }
    json ? print_json(found) : print_table(found, file);
    return static_cast<int>(exit_done);
  });
}
