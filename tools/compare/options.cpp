#include "tools/compare/options.h"

#include "tools/program/frame.h"
#include "tools/program/values.h"

namespace thaw {

std::vector<double> CompareOptions::rates(const ComparePlan& plan) const {
  const std::vector<double>& rates = plan.pretrained ? lr : scratch_lr;
  if (!rates.empty()) return rates;
  TrainOptions defaults = train;
  defaults.lr = 0;
  if (!plan.pretrained) defaults.model.weights.clear();
  return {defaults.base_lr()};
}

void add_compare_options(CLI::App& app, CompareOptions& o) {
  add_train_options(app, o.train);
  for (const char* name :
       {"--freeze", "--bn", "--lr", "--seed", "--resume", "--stop-after", "--freeze-epochs"})
    if (CLI::Option* option = app.get_option_no_throw(name)) app.remove_option(option);
  app.get_option("--output")->description("folder for compare.md, compare.json, compare.html and the runs");
  app.get_option("--cache-features")
      ->description(
          "run the frozen first stages once per picture for all runs of a plan and keep their output in "
          "memory; "
          "needs --no-aug");
  app.add_option("--lr", o.lr,
                 "learning rates of the pretrained plans; of several each plan keeps the one that is best on "
                 "validation with the first seed (default: as train's)")
      ->delimiter(',')
      ->check(above_zero())
      ->default_str("");
  app.add_option("--scratch-lr", o.scratch_lr,
                 "the same for the plans from random weights (default: as train's)")
      ->delimiter(',')
      ->check(above_zero())
      ->default_str("");
  app.add_option("--plans", o.plans,
                 "of scratch_cnn, scratch, 0, 1, ..., all, story: which to run (default: all of them)")
      ->delimiter(',')
      ->default_str("");
  app.add_option("--story", o.story,
                 "--freeze SPEC of the plan with --bn train (default: features[0:9],features[11] for "
                 "DenseNets, else 2 blocks thawed)")
      ->default_str("");
  app.add_option("--seeds", o.seeds, "runs of each plan, seeds 1 to N; the split is the same for all")
      ->check(between(1, 1000));
  app.add_option("--scratch-size", o.scratch_size,
                 "side of the scratch CNN's pictures (default: that of the other plans, at least 64)")
      ->check(between(46, 4096))
      ->default_str("");
  app.add_flag("--json", o.json, "one JSON object on stdout instead of the table");
}

void check_compare_options(const CompareOptions& o) {
  check_train_options(o.train);
  const ModelOptions& model = o.train.model;
  check_backend_options(model.backend, model.device, model.precision);
  if (o.train.model.weights.empty())
    throw UsageError("--weights FILE is required: the plans that thaw blocks start from it; see --help");
}

GivenOptions given_to_train(GivenOptions given) {
  for (const char* name : {"lr", "scratch-lr", "plans", "story", "seeds", "scratch-size", "json"})
    given.erase(name);
  return given;
}

}  // namespace thaw
