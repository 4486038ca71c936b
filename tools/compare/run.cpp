#include "tools/compare/run.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/file/atomic.h"
#include "io/file/bytes.h"
#include "io/file/text.h"
#include "kernels/error.h"
#include "models/registry.h"
#include "tools/evaluate/evaluate_model.h"
#include "tools/network/check_data.h"
#include "tools/program/bounded_json.h"
#include "tools/train/run.h"

namespace thaw {

namespace {

namespace fs = std::filesystem;

GivenOptions given_of(const CompareSettings& settings, const TrainOptions& o) {
  GivenOptions given = settings.given;
  given["model"] = {o.model.model};
  if (o.model.weights.empty()) {
    given.erase("weights");
    given.erase("ignore");
  }
  given["freeze"] = {o.freeze};
  given["bn"] = {o.bn};
  given["lr"] = {fmt::format("{}", o.lr)};
  given["seed"] = {fmt::format("{}", o.seed)};
  if (o.model.input_size > 0)
    given["input-size"] = {fmt::format("{}", o.model.input_size)};  // --scratch-size
  return given;
}

std::string text_of(const std::string& path) {
  constexpr std::uint64_t limit = std::uint64_t{64} << 20;  // a digit for each picture
  return std::string(as_text(FileBytes(path, limit).bytes()));
}

// The options without what may change between the parts of a run, and without the weights' name: inputs.json
// (compare/inputs.h) knows their contents.
GivenOptions lasting(GivenOptions given) {
  std::erase_if(given,
                [](const auto& option) { return may_change(option.first) || option.first == "weights"; });
  return given;
}

// "--epochs was 2, now 3" of the first option that differs; empty: none does.
std::string difference(const GivenOptions& before, const GivenOptions& now) {
  GivenOptions all = before;
  all.insert(now.begin(), now.end());
  const auto text = [](const GivenOptions& given, const std::string& name) {
    const auto found = given.find(name);
    return found == given.end() ? "not given" : fmt::format("{}", fmt::join(found->second, ","));
  };
  for (const auto& [name, values] : all)
    if (text(before, name) != text(now, name))
      return fmt::format("--{} was {}, now {}", name, text(before, name), text(now, name));
  return "";
}

// Throws Error unless `before`, which `what` tells, are the same options.
void check_same(const std::string& what, const GivenOptions& before, const GivenOptions& now) {
  const std::string other = difference(before, now);
  if (!other.empty())
    throw Error(what + " with other options: " + other + "; give those again, or another --output");
}

// The options that `file` was written with. Throws Error where it tells none.
GivenOptions options_in(const std::string& file) {
  try {
    return parse_json(text_of(file), file).at("options").get<GivenOptions>();
  } catch (const nlohmann::json::exception&) {
    throw Error(file + ": is not what compare writes; delete it to repeat the run");
  }
}

// The inputs that `file` was written with; none where it tells none.
CompareInputs inputs_in(const std::string& file) {
  try {
    return inputs_of(parse_json<nlohmann::ordered_json>(text_of(file), file).at("inputs"));
  } catch (const nlohmann::json::exception&) {
    return {};
  }
}

// Throws Error unless `file` in the run's folder is of the same inputs and options.
void check_run(const CompareSettings& settings, const std::string& folder, const std::string& file,
               const GivenOptions& wanted) {
  if (inputs_in(file) != settings.inputs)
    throw Error(folder + ": holds a run of other pictures or weights; delete it, or give another --output");
  check_same(folder + ": holds a run", options_in(file), wanted);
}

// A digit for each case: 1 where its class was predicted.
std::string right_cases(const EvaluationReport& report) {
  std::string right;
  const std::size_t columns = report.labels.empty() ? 0 : report.logits.size() / report.labels.size();
  for (std::size_t i = 0; i < report.labels.size(); ++i)
    right += predicted_class(report.logits.data() + i * columns, static_cast<std::int64_t>(columns)) ==
                     report.labels[i]
                 ? '1'
                 : '0';
  return right;
}

// What the page shows of a run beside its result.
void add_record(const std::string& folder, CompareResult& result) {
  if (fs::exists(folder + "/report.html"))
    result.page = "runs/" + fs::path(folder).filename().string() + "/report.html";
  if (!fs::exists(folder + "/metrics.jsonl")) return;
  for (const EpochMetrics& m : read_metrics(folder + "/metrics.jsonl"))
    result.curve.push_back(m.val_accuracy);
}

// With the best epoch's weights; none without test pictures.
std::optional<EvaluationReport> test_report(const TrainOptions& o) {
  ModelOptions model = o.model;
  model.weights = o.output + "/best.safetensors";
  model.ignore.clear();
  Session session = open_for_evaluation(model);
  DatasetSplits splits = scan_data_for(session.description, o.data.data, o.split_by);
  if (splits.test.samples.empty()) return {};
  check_data({&splits.test}, o.data);
  Loader loader(std::move(splits.test), session.description.preprocess, one_pass(o.data));
  return evaluate_model(session, loader, "test");
}

void summarise(const std::vector<EpochMetrics>& epochs, int best_epoch, CompareResult& result) {
  result.best_epoch = best_epoch;
  for (const EpochMetrics& m : epochs) {
    result.seconds += m.seconds / static_cast<double>(epochs.size());
    result.last_accuracy = m.val_accuracy;
    if (m.epoch == best_epoch) result.val_accuracy = m.val_accuracy;
  }
}

}  // namespace

TrainOptions run_options(const CompareSettings& settings, const ComparePlan& plan, double lr,
                         std::uint64_t seed) {
  TrainOptions o = settings.base;
  o.model.model = plan.model;
  if (!plan.pretrained) {
    o.model.weights.clear();
    o.model.ignore.clear();
  }
  o.freeze = plan.freeze;
  o.bn = plan.bn;
  // Where all is trained, or BatchNorm moves, nothing stays as it is.
  o.cache_features = o.cache_features && plan.freeze != "none" && plan.bn != "train";
  o.lr = lr;
  o.seed = seed;
  if (network_facts(plan.model).one_size) {
    if (o.model.in_channels == 0) o.model.in_channels = 3;  // as the networks it is compared with
    o.model.input_size = settings.scratch_size;
  }
  o.output = fmt::format("{}/runs/{}-{:g}-{}", settings.base.output, plan.key, lr, seed);
  return o;
}

std::optional<CompareResult> finished_run(const CompareSettings& settings, const ComparePlan& plan, double lr,
                                          std::uint64_t seed) {
  const TrainOptions options = run_options(settings, plan, lr, seed);
  const std::string record = options.output + "/result.json";
  if (!fs::exists(record)) return {};
  check_run(settings, options.output, record, lasting(given_of(settings, options)));
  CompareResult result = CompareResult::parse(text_of(record), record);
  if (result.seed != seed || result.lr != lr || result.best_epoch > options.epochs)
    throw Error(record + ": its figures are not of this run; delete it to repeat the run");
  add_record(options.output, result);
  return result;
}

std::optional<CompareResult> compare_run(const CompareSettings& settings, const ComparePlan& plan, double lr,
                                         std::uint64_t seed, int& exit_code) {
  const TrainOptions options = run_options(settings, plan, lr, seed);
  const GivenOptions given = given_of(settings, options);
  const OutputDirectory output(options.output);
  if (auto result = finished_run(settings, plan, lr, seed)) return result;
  const std::string state_file = output.file("train_state.safetensors"), record = output.file("result.json"),
                    begun = output.file("options.json");
  const GivenOptions wanted = lasting(given);
  if (fs::exists(begun)) check_run(settings, options.output, begun, wanted);
  auto told = nlohmann::ordered_json{{"options", wanted}, {"inputs", as_json(settings.inputs)}};
  write_file_atomically(begun, told.dump());

  std::unique_ptr<TrainState> state;
  if (fs::exists(state_file)) {
    state = std::make_unique<TrainState>(read_train_state(state_file));
    check_same(state_file + ": is of a run", lasting(state->options), wanted);
  }
  CompareResult result;
  {
    TrainingRun run(options, given, state.get(), settings.shared);
    if (!run.validates())
      throw Error(options.data.data +
                  ": has no validation pictures to choose the epoch by; give it val/ or use --val-split");
    exit_code = run.run(output);
    if (exit_code != 0) return {};
    for (const Parameter* p : run.session().arenas.trainable()) result.trainable += p->value.elements();
    result.peak_bytes = run.session().backend->peak_bytes();
    result.receipt = run.receipt();
    result.features = run.prefix_use();
    summarise(run.epochs(), run.best_epoch(), result);
    result.right = right_cases(run.best());
  }
  result.seed = seed;
  result.lr = lr;
  if (const auto test = test_report(options)) {
    result.test_accuracy = test->top1;
    result.right = right_cases(*test);
  }
  told.update(nlohmann::ordered_json::parse(result.json()));
  write_file_atomically(record, told.dump());
  // The best epoch's weights are kept; what only a continued run needs is not.
  fs::remove(state_file);
  fs::remove(output.file("last.safetensors"));
  add_record(options.output, result);
  return result;
}

}  // namespace thaw
