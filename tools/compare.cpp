// compare: the founding experiment. The same pictures with the scratch CNN, and with a pretrained network
// with 0, 1, 2, ... blocks thawed: one table and one page.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "io/file/atomic.h"
#include "io/weights/weights.h"
#include "models/registry.h"
#include "tools/compare/inputs.h"
#include "tools/compare/options.h"
#include "tools/compare/page.h"
#include "tools/compare/result.h"
#include "tools/evaluate/evaluation_report.h"
#include "tools/network/check_data.h"
#include "tools/network/open_network.h"
#include "tools/program/frame.h"
#include "tools/program/messages.h"
#include "tools/program/output_directory.h"
#include "tools/train/setup.h"

namespace {

using namespace thaw;

// Gives `o` the model of the weights where the user named none, and the size of the scratch CNN's pictures.
std::unique_ptr<Network> open_weights(CompareOptions& o) {
  ModelOptions& model = o.train.model;
  NetworkFile file = open_network(read_weights(model.weights), model, model.weights);
  for (const std::string& note : file.notes) say("weights: {}\n", note);
  model.model = file.description.model;
  int size = model.input_size;
  if (size == 0)
    size = file.described ? file.description.preprocess.input_size
                          : static_cast<int>(file.network->input().size);
  if (o.scratch_size == 0) o.scratch_size = std::max(size, smallest_scratch_size);
  return std::move(file.network);
}

std::string plan_text(const CompareOptions& o, const std::vector<ComparePlan>& plans) {
  std::string text;
  for (const ComparePlan& plan : plans)
    text += fmt::format("plan {:<12} {}: --freeze '{}' --bn {} --lr {:g}\n", plan.key, plan.title,
                        plan.freeze, plan.bn, fmt::join(o.rates(plan), " or "));
  return text + fmt::format("{} epochs, seeds 1 to {}; the best epoch is chosen on validation\n",
                            o.train.epochs, o.seeds);
}

// Plans from the shortest frozen front to the longest, each of which can begin with the features of the one
// before; those that keep nothing come first.
std::vector<std::size_t> running_order(const std::vector<ComparePlan>& plans, bool cache_features) {
  std::vector<std::size_t> order(plans.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!cache_features) return order;
  const auto pretrained = std::find_if(plans.begin(), plans.end(), [](auto& p) { return p.pretrained; });
  std::reverse(order.begin() + (pretrained - plans.begin()), order.end());
  return order;
}

// Fills `row` with a run per seed, after choosing its learning rate with the first seed. False: stopped.
bool run_plan(const CompareSettings& settings, const CompareOptions& o, CompareRow& row, int& exit_code) {
  std::optional<CompareResult> best;
  for (const double lr : row.tried) {
    say("\n== plan {}, lr {:g}, seed 1\n", row.plan.key, lr);
    try {
      const auto result = compare_run(settings, row.plan, lr, 1, exit_code);
      if (!result) return false;
      row.features.push_back(result->features);
      if (!best || result->val_accuracy > best->val_accuracy) best = result;
    } catch (const NotFinite& e) {
      if (row.tried.size() == 1) throw;
      say("plan {}: lr {:g} is out of the choice: {}\n", row.plan.key, lr, e.what());
    }
  }
  if (!best)
    throw Error(
        fmt::format("plan {}: none of its learning rates went through; give smaller ones", row.plan.key));
  row.results.push_back(*best);
  for (int seed = 2; seed <= o.seeds; ++seed) {
    say("\n== plan {}, lr {:g}, seed {}\n", row.plan.key, best->lr, seed);
    const auto result =
        compare_run(settings, row.plan, best->lr, static_cast<std::uint64_t>(seed), exit_code);
    if (!result) return false;
    row.features.push_back(result->features);
    row.results.push_back(*result);
  }
  return true;
}

std::vector<CompareRow> done(const std::vector<CompareRow>& rows) {
  std::vector<CompareRow> result;
  for (const CompareRow& row : rows)
    if (!row.results.empty()) result.push_back(row);
  return result;
}

// Once for all runs.
void look_at(const TrainOptions& o, bool split_given) {
  DatasetSplits splits = scan_data(o.data.data, scan_options(o, split_given));
  for (const std::string& note : check_training_data(splits.train, splits.val, o.data).notes)
    say("data: {}\n", note);
}

int compare(const CLI::App& app, CompareOptions o) {
  check_compare_options(o);
  const std::unique_ptr<Network> network = open_weights(o);
  const std::vector<ComparePlan> plans = chosen_plans(compare_plans(*network, o.story), o.plans);
  for (const ComparePlan& plan : plans) check_model_name(plan.model);
  say("{}", scale_warning(o.train.model));
  say("{}", plan_text(o, plans));
  if (o.train.dry_run) return exit_done;

  const CompareInputs inputs = compare_inputs(o.train.data.data, o.train.model.weights);
  if (!o.train.split_seed) o.train.split_seed = o.train.seed;
  look_at(o.train, app.get_option("--val-split")->count() > 0);
  const OutputDirectory output(o.train.output);
  hold_inputs(output, inputs, o.train.data.data, o.train.model.weights);
  SharedPrefix shared;
  const CompareSettings settings{o.train, given_to_train(given_options(app)), o.scratch_size, &shared,
                                 inputs};
  std::vector<CompareRow> all, rows;
  for (const ComparePlan& plan : plans) all.push_back({plan, {}, o.rates(plan)});
  for (const std::size_t i : running_order(plans, o.train.cache_features)) {
    int exit_code = exit_done;
    if (!run_plan(settings, o, all[i], exit_code)) {
      say("stopped by a signal; the same command goes on from here\n");
      return exit_code;
    }
    // After every plan: what is done can be looked at.
    rows = done(all);
    write_file_atomically(output.file("compare.md"), compare_text(rows));
    write_file_atomically(output.file("compare.json"), compare_json(rows) + "\n");
    write_file_atomically(output.file("compare.html"), compare_page(rows, app.config_to_str()));
  }
  fmt::print("{}", o.json ? compare_json(rows) + "\n" : compare_text(rows));
  say("the same as a page: {}\n", output.file("compare.html"));
  return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  const auto app = make_app(
      "How many blocks to thaw? Trains a hand-built CNN, and a pretrained network with 0, 1, 2, ... blocks "
      "thawed, on the same pictures, split and seeds. A stopped comparison goes on with the same command.",
      "compare", "compare --data pictures --model resnet18 --weights resnet18.pth --output comparison");
  CompareOptions options;
  add_compare_options(*app, options);
  return run_program(*app, argc, argv, [&] { return compare(*app, options); });
}
