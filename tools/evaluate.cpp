// evaluate: how good a network is on labelled pictures.
#include <fmt/format.h>

#include <cstdio>

#include "tools/evaluate/evaluate_model.h"
#include "tools/evaluate/flips.h"
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

struct EvaluateOptions {
  ModelOptions model;
  DataOptions data;
  std::string split = "val", split_by, tta = "none";
  int top_losses = 0;
  bool json = false;
};

int evaluate(const EvaluateOptions& o) {
  if (o.data.data.empty()) throw UsageError("--data DIR is required; see --help");
  say("{}", scale_warning(o.model));
  Session session = open_for_evaluation(o.model);
  ModelDescription trained = session.description;
  if (o.split == "all") trained.val_split = 0;
  DatasetSplits splits = scan_data_for(trained, o.data.data, o.split_by);
  Dataset& dataset = choose_split(splits, o.split, o.data.data);
  const std::int64_t outputs = session.network->num_classes();
  const auto classes = static_cast<std::int64_t>(dataset.classes.size());
  if (outputs != classes && !(outputs == 1 && classes == 2))
    throw Error(
        fmt::format("{}: {} classes, but {} has {} outputs", o.data.data, classes, o.model.weights, outputs));
  const CheckedData checked = check_data({&dataset}, o.data);
  for (const std::string& note : session.notes) say("weights: {}\n", note);
  for (const std::string& note : splits.notes) say("data: {}\n", note);
  for (const std::string& note : checked.notes) say("data: {}\n", note);
  say("data: {} pictures{}\n", dataset.samples.size(),
      o.split == "all" ? "; those that were trained on, too, which flatters" : " of the split " + o.split);
  say("{}\n", device_line(o.model, *session.backend));

  const bool flips = o.tta == "flips";
  LoaderOptions loading = one_pass(o.data);
  if (flips) loading.cache_bytes = LoaderOptions().cache_bytes;  // the pictures are gone through twice
  Loader loader(std::move(dataset), session.description.preprocess, loading);
  const EvaluationReport report =
      flips ? evaluate_with_flips(session, loader, o.split) : evaluate_model(session, loader, o.split);
  std::vector<NamedLoss> top;
  for (const CaseLoss& c : report.top_losses(static_cast<std::size_t>(o.top_losses)))
    top.push_back({loader.dataset().samples[static_cast<std::size_t>(c.index)].names(), c});
  fmt::print("{}{}", o.json ? report.json(top) : report.table(top), o.json ? "\n" : "");
  return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  const auto app = make_app("How good a network is on labelled pictures.", "evaluate",
                            "evaluate --weights run/best.safetensors --data pictures");
  EvaluateOptions o;
  add_model_options(*app, o.model);
  add_data_options(*app, o.data);
  app->add_option("--split", o.split, "which pictures")->check(one_of({"train", "val", "test", "all"}));
  app->add_option("--split-by", o.split_by, "as it was given to train")->type_name("REGEX")->default_str("");
  add_tta_option(*app, o.tta);
  app->add_option("--top-losses", o.top_losses, "name this many pictures with the largest loss")
      ->check(between(0, 1000000000));
  app->add_flag("--json", o.json, "one JSON object on stdout");
  return run_program(*app, argc, argv, [&] { return evaluate(o); });
}
