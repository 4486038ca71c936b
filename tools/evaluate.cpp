// evaluate: how good a network is on labelled pictures.
#include <fmt/format.h>

#include <cstdio>

#include "tools/evaluate/evaluate_model.h"
#include "tools/network/check_data.h"
#include "tools/network/session.h"
#include "tools/program/frame.h"
#include "tools/program/messages.h"
#include "tools/program/values.h"

namespace {

using namespace thaw;

Dataset& choose_split(DatasetSplits& splits, const std::string& split, const std::string& data) {
  if (split == "all") {
    for (Dataset* part : {&splits.val, &splits.test})
      splits.train.samples.insert(splits.train.samples.end(), part->samples.begin(), part->samples.end());
    return splits.train;
  }
  Dataset& chosen = split == "train" ? splits.train : split == "val" ? splits.val : splits.test;
  if (chosen.samples.empty())
    throw Error(fmt::format("{}: has no pictures for --split {}{}", data, split,
                            splits.flat ? "; --split all takes all of it" : ""));
  return chosen;
}

struct Which {
  std::string split, split_by;
};

int evaluate(const ModelOptions& model, const DataOptions& data, const Which& which, int top_losses,
             bool json) {
  if (data.data.empty()) throw UsageError("--data DIR is required; see --help");
  say("{}", scale_warning(model));
  Session session = open_for_evaluation(model);
  ModelDescription trained = session.description;
  if (which.split == "all") trained.val_split = 0;
  DatasetSplits splits = scan_data_for(trained, data.data, which.split_by);
  Dataset& dataset = choose_split(splits, which.split, data.data);
  const std::int64_t outputs = session.network->num_classes();
  const auto classes = static_cast<std::int64_t>(dataset.classes.size());
  if (outputs != classes && !(outputs == 1 && classes == 2))
    throw Error(
        fmt::format("{}: {} classes, but {} has {} outputs", data.data, classes, model.weights, outputs));
  const CheckedData checked = check_data({&dataset}, data);
  for (const std::string& note : session.notes) say("weights: {}\n", note);
  for (const std::string& note : splits.notes) say("data: {}\n", note);
  for (const std::string& note : checked.notes) say("data: {}\n", note);
  say("{}\n", device_line(model, *session.backend));

  Loader loader(std::move(dataset), session.description.preprocess, one_pass(data));
  const EvaluationReport report = evaluate_model(session, loader, which.split);
  std::vector<NamedLoss> top;
  for (const CaseLoss& c : report.top_losses(static_cast<std::size_t>(top_losses)))
    top.push_back({loader.dataset().samples[static_cast<std::size_t>(c.index)].names(), c});
  fmt::print("{}{}", json ? report.json(top) : report.table(top), json ? "\n" : "");
  return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  const auto app = make_app("How good a network is on labelled pictures.", "evaluate",
                            "evaluate --weights run/best.safetensors --data pictures");
  ModelOptions model;
  DataOptions data;
  std::string split = "val";
  int top_losses = 0;
  bool json = false;
  std::string split_by;
  add_model_options(*app, model);
  add_data_options(*app, data);
  app->add_option("--split", split, "which pictures")->check(one_of({"train", "val", "test", "all"}));
  app->add_option("--split-by", split_by, "as it was given to train")->type_name("REGEX")->default_str("");
  app->add_option("--top-losses", top_losses, "name this many pictures with the largest loss")
      ->check(between(0, 1000000000));
  app->add_flag("--json", json, "one JSON object on stdout");
  return run_program(*app, argc, argv, [&] {
    return evaluate(model, data, {split, split_by}, top_losses, json);
  });
}
