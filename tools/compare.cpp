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
#include "tools/compare/own_files.h"
#include "tools/compare/page.h"
#include "tools/compare/plan_runs.h"
#include "tools/compare/ties.h"
#include "tools/network/check_data.h"
#include "tools/network/open_network.h"
#include "tools/program/frame.h"
#include "tools/program/messages.h"
#include "tools/program/output_directory.h"
#include "tools/train/setup.h"

namespace {

using namespace thaw;

// Gives `o` the model of the weights where the user named none, and the size of the scratch CNN's pictures.
NetworkFile open_weights(CompareOptions& o, int& size) {
  ModelOptions& model = o.train.model;
  NetworkFile file = open_network(read_weights(model.weights), model, model.weights);
  for (const std::string& note : file.notes) say("weights: {}\n", note);
  model.model = file.description.model;
  size = model.input_size;
  if (size == 0)
    size = file.described ? file.description.preprocess.input_size
                          : static_cast<int>(file.network->input().size);
  if (o.scratch_size == 0) o.scratch_size = std::max(size, smallest_scratch_size);
  return file;
}

int runs_of(const CompareOptions& o, const ComparePlan& plan) {
  return static_cast<int>(o.rates(plan).size()) + o.seeds - 1;
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

// The rows that have results, in the order of the plans.
std::vector<CompareRow> done(const std::vector<ComparePlan>& plans, const std::vector<CompareRow>& chosen,
                             const std::vector<CompareRow>& others) {
  std::vector<CompareRow> result;
  for (const ComparePlan& plan : plans)
    for (const std::vector<CompareRow>* rows : {&chosen, &others})
      for (const CompareRow& row : *rows)
        if (row.plan.key == plan.key && !row.results.empty()) result.push_back(row);
  return result;
}

// The page, and its table for people and for programs.
void write_pages(const OutputDirectory& output, const std::vector<CompareRow>& rows,
                 const std::string& options, const std::vector<std::string>& data_notes) {
  write_file_atomically(output.file("compare.md"), compare_text(rows));
  write_file_atomically(output.file("compare.json"), compare_json(rows) + "\n");
  write_file_atomically(output.file("compare.html"), compare_page(rows, options, data_notes));
}

// Looks at the pictures once for all runs, which then know it. Returns what it found.
std::vector<std::string> look_at(TrainOptions& o, bool split_given) {
  DatasetSplits splits = scan_data(o.data.data, scan_options(o, split_given));
  std::vector<std::string> notes = splits.notes;
  o.data.known_notes = check_training_data(splits.train, splits.val, o.data).notes;
  notes.insert(notes.end(), o.data.known_notes->begin(), o.data.known_notes->end());
  if (!splits.test.samples.empty())
    for (const std::string& note : check_data({&splits.test}, o.data).notes) notes.push_back("test: " + note);
  for (const std::string& note : notes) say("data: {}\n", note);
  return notes;
}

int compare(const CLI::App& app, CompareOptions o) {
  check_compare_options(o);
  int size = 0;
  const NetworkFile file = open_weights(o, size);
  const std::vector<ComparePlan> known = compare_plans(*file.network, o.story),
                                 plans = chosen_plans(known, o.plans);
  for (const ComparePlan& plan : plans) check_model_name(plan.model);
  say("{}", scale_warning(o.train.model));
  say("{}", plan_text(o, plans));
  if (!o.train.split_seed) o.train.split_seed = o.train.seed;
  const std::vector<std::string> data_notes = look_at(o.train, app.get_option("--val-split")->count() > 0);
  SharedPrefix shared;
  CompareSettings settings{o.train, given_to_train(given_options(app)), o.scratch_size, &shared, {}};
  if (o.train.dry_run) {
    std::vector<PlanRuns> runs;
    runs.reserve(plans.size());
    for (const ComparePlan& plan : plans) runs.push_back({plan, o.rates(plan).front(), runs_of(o, plan)});
    say("{}", estimate_text(settings, runs));
    return exit_done;
  }

  settings.inputs = compare_inputs(o.train.data.data, o.train.model.weights);
  const OutputDirectory output(o.train.output);
  check_own_files(output);
  hold_inputs(output, settings.inputs, o.train.data.data, o.train.model.weights);
  std::vector<CompareRow> all;
  std::vector<double> work;
  RunClock clock;
  for (const ComparePlan& plan : plans) {
    const bool scratch = plan.model != file.description.model;
    NetworkOptions options = file.description.options;
    if (scratch) options = {.num_classes = 2, .input_size = o.scratch_size};
    constexpr double validation = 0.25;  // pictures for each training picture; the real share changes little
    all.push_back({plan, {}, o.rates(plan)});
    work.push_back(plan_work(plan, options, scratch ? o.scratch_size : size, validation));
    clock.plan(plan.model, runs_of(o, plan), work.back());
  }
  // What is there of other plans stays in the table.
  std::vector<CompareRow> others;
  for (const ComparePlan& plan : known)
    if (std::none_of(plans.begin(), plans.end(), [&plan](const ComparePlan& p) { return p.key == plan.key; }))
      if (auto row = finished_plan(settings, o.seeds, plan, o.rates(plan))) others.push_back(std::move(*row));
  std::vector<CompareRow> rows;
  for (const std::size_t i : running_order(plans, o.train.cache_features)) {
    int exit_code = exit_done;
    if (!run_plan(settings, o.seeds, clock, work[i], all[i], exit_code)) {
      say("stopped by a signal; the same command goes on from here\n");
      return exit_code;
    }
    // After every plan: what is done can be looked at.
    rows = done(known, all, others);
    write_pages(output, rows, app.config_to_str(), data_notes);
  }
  fmt::print("{}", o.json ? compare_json(rows) + "\n" : compare_text(rows));
  say("{}\nthe same as a page: {}\n", verdict(rows), output.file("compare.html"));
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
