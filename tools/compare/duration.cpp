#include "tools/compare/duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "tools/cost/network_cost.h"
#include "tools/program/progress.h"
#include "tools/train/setup.h"

namespace thaw {

namespace {

// What a network's pictures cost on this machine.
struct MeasuredNetwork {
  std::string model;
  NetworkOptions options;
  int size = 0;
  std::int64_t training = 0, validation = 0;  // pictures
  double step_seconds = 0, seconds_per_flop = 0;
  int batch = 0;
};

StageCost cost_of(const ComparePlan& plan, const NetworkOptions& options, int size) {
  return sum_of(stage_costs(plan.model, options, plan.freeze, size, batch_norm_policy(plan.bn)));
}

// The faster of two steps, after one that makes what is kept.
MeasuredNetwork measure(const CompareSettings& settings, const ComparePlan& plan, double lr) {
  using Clock = std::chrono::steady_clock;
  const TrainOptions options = run_options(settings, plan, lr, 1);
  TrainingSetup setup(options, {}, nullptr);
  setup.plan(false, 0);
  LoaderOptions loading = setup.loading();
  loading.train = !options.no_aug;
  loading.shuffle = loading.merge_last_single = true;
  const ModelDescription& d = setup.session.description;
  Loader loader(setup.splits.train, d.preprocess, loading);
  TrainingStep step(setup.session, *setup.optimizer,
                    {setup.settings.label_smoothing, setup.settings.class_weights, false, nullptr});
  MeasuredNetwork result{d.model, d.options, d.preprocess.input_size,
                         static_cast<std::int64_t>(setup.splits.train.samples.size()),
                         static_cast<std::int64_t>(setup.splits.val.samples.size())};
  double fastest = 0;  // seconds for each picture
  Batch batch;
  for (std::uint32_t i = 0; i < 3; ++i) {
    loader.start_epoch(i);
    const auto start = Clock::now();
    loader.next(batch);
    step.run(batch, {.step = i, .seed = options.seed, .lr = static_cast<float>(lr)});
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const double each = seconds / static_cast<double>(batch.size());
    if (i == 0 || (i > 1 && each >= fastest)) continue;
    fastest = each;
    result.step_seconds = seconds;
    result.batch = static_cast<int>(batch.size());
  }
  const StageCost cost = cost_of(plan, d.options, result.size);
  result.seconds_per_flop = fastest / (cost.forward_flops + cost.backward_flops);
  return result;
}

}  // namespace

double plan_work(const ComparePlan& plan, const NetworkOptions& options, int size, double validation) {
  const StageCost cost = cost_of(plan, options, size);
  return cost.forward_flops * (1 + validation) + cost.backward_flops;
}

std::string estimate_text(const CompareSettings& settings, const std::vector<PlanRuns>& plans) {
  std::vector<MeasuredNetwork> networks;
  double seconds = 0;
  int runs = 0;
  for (const PlanRuns& p : plans) {
    auto network = std::find_if(networks.begin(), networks.end(),
                                [&p](const MeasuredNetwork& n) { return n.model == p.plan.model; });
    if (network == networks.end()) network = networks.insert(networks.end(), measure(settings, p.plan, p.lr));
    const auto training = static_cast<double>(network->training);
    const double work = plan_work(p.plan, network->options, network->size,
                                  static_cast<double>(network->validation) / training);
    seconds += p.runs * settings.base.epochs * training * work * network->seconds_per_flop;
    runs += p.runs;
  }
  std::vector<std::string> steps;
  steps.reserve(networks.size());
  for (const MeasuredNetwork& n : networks)
    steps.push_back(fmt::format("{} ({:.3g} s for {} pictures)", n.model, n.step_seconds, n.batch));
  return fmt::format(
      "about {} for {} runs of {} epochs, estimated from one training step of {} and the FLOPs of each "
      "plan\n",
      clock_text(seconds), runs, settings.base.epochs, fmt::join(steps, " and one of "));
}

void RunClock::plan(const std::string& model, int runs, double work) {
  runs_ += runs;
  networks_[model].work_left += runs * work;
}

std::string RunClock::text() const {
  std::string text = fmt::format("run {} of {}", ended_ + 1, runs_);
  double seconds = 0;
  for (const auto& [model, n] : networks_) {
    if (n.work_left <= 0) continue;
    if (n.seconds <= 0) return text;
    seconds += n.seconds / n.work_trained * n.work_left;
  }
  return text + fmt::format(", about {} to go", clock_text(seconds));
}

void RunClock::end(const std::string& model, double work, double seconds) {
  ++ended_;
  Network& network = networks_[model];
  // Sums of other fractions may leave a trace of work that is done.
  network.work_left -= work;
  if (network.work_left < 1e-6 * work) network.work_left = 0;
  if (seconds <= 0) return;
  network.work_trained += work;
  network.seconds += seconds;
}

}  // namespace thaw
