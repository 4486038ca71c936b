// freezing_figures [WEIGHTS DATA OUTPUT]: prints the tables of docs/freezing.md. Without arguments those that
// are counted and the same on every machine; with them also those that are timed and trained.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <exception>

#include "io/weights/weights.h"
#include "kernels/counting_backend.h"
#include "layers/losses.h"
#include "models/freeze/plan.h"
#include "models/registry.h"
#include "tools/bench/step.h"
#include "tools/cost/plan_table.h"
#include "tools/evaluate/evaluate_model.h"
#include "tools/report/metrics_log.h"
#include "tools/train/run.h"

namespace {

using namespace thaw;

// A training step's forward pass of ResNet-20 under a plan, on a backend that computes nothing.
class Step {
 public:
  explicit Step(const std::string& freeze) : network_(make_network("resnet20", {.num_classes = 10})) {
    apply_freeze_plan(*network_, freeze);
    network_->to(backend_);
    arenas_ = ParameterArenas(backend_, network_->parameters(), DType::f32);
    const Tensor x = Tensor::empty(backend_, {8, 3, 32, 32}), targets = Tensor::empty(backend_, {8, 10}),
                 normalizer = Tensor::empty(backend_, {1});
    loss_ =
        softmax_cross_entropy(network_->forward(Variable(x), Mode::train(&state_)), targets, normalizer).loss;
  }
  Network& network() { return *network_; }
  std::vector<const Node*> tape() const { return thaw::tape(loss_); }

 private:
  CountingBackend backend_;
  StepState state_;
  std::unique_ptr<Network> network_;
  ParameterArenas arenas_;
  Variable loss_;
};

void print_tape(const std::string& freeze) {
  Step step(freeze);
  fmt::print("```\n--freeze {}\n", freeze);
  for (const Node* node : step.tape())
    fmt::print("{:22}{:22}{}\n", node->op, node->module,
               node->inputs.empty()       ? "its own gradients only, the walk ends here"
               : node->inputs.size() == 1 ? "passes a gradient on"
                                          : "passes a gradient on, to both of its inputs");
  fmt::print("```\n\n");
}

bool lies_in(const std::string& path, const std::string& module) {
  return path == module || path.starts_with(module + ".");
}

std::string count_text(std::size_t n, const char* what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

void print_gradients(const std::vector<std::string>& plans) {
  std::vector<std::unique_ptr<Step>> steps;
  fmt::print("| stage |");
  for (const std::string& plan : plans) {
    fmt::print(" `{}` |", plan);
    steps.push_back(std::make_unique<Step>(plan));
  }
  fmt::print("\n|---|{}\n", fmt::join(std::vector<std::string>(plans.size(), "---|"), ""));
  const Network& first = steps.front()->network();
  for (std::size_t i = 0; i < first.stages().size(); ++i) {
    fmt::print("| {} |", first.stages()[i].name);
    for (const auto& step : steps) {
      Module& module = *step->network().stages()[i].module;
      std::size_t nodes = 0, gradients = 0;
      for (const Node* node : step->tape()) nodes += lies_in(node->module, module.path()) ? 1 : 0;
      for (const Parameter* p : module.parameters()) gradients += p->frozen ? 0 : 1;
      fmt::print(" {} |", nodes + gradients == 0
                              ? "-"
                              : count_text(nodes, "node") + ", " + count_text(gradients, "gradient"));
    }
    fmt::print("\n");
  }
  fmt::print("\n");
}

struct Cuts {
  std::string model;
  std::int64_t size, batch;
  std::vector<std::string> plans;
};

const Cuts small{"resnet20", 32, 64, {"none", "upto:bn1", "upto:layer1", "upto:layer2", "backbone"}};
const Cuts large{"densenet121",
                 224,
                 8,
                 {"none", "upto:pool0", "upto:transition1", "upto:transition2", "features[0:9],features[11]",
                  "upto:transition3", "backbone"}};

void print_cuts(const Cuts& cuts) {
  fmt::print("| {}, {}x{} | trained parameters | backward MFLOPs | saved MB |\n|---|---|---|---|\n",
             cuts.model, cuts.size, cuts.size);
  for (const std::string& freeze : cuts.plans) {
    const PlanTable t = plan_table(cuts.model, {.num_classes = network_facts(cuts.model).num_classes},
                                   {.freeze = freeze, .input_size = cuts.size});
    fmt::print("| `{}` | {} | {:.1f} | {:.3f} |\n", freeze, t.trained, t.cost.backward_flops / 1e6,
               t.cost.saved_bytes / 1e6);
  }
  fmt::print("\n");
}

void print_times(const Cuts& cuts) {
  fmt::print("| {}, {}x{}, batch {} | ms of a step | peak MB | share of `none`'s time |\n|---|---|---|---|\n",
             cuts.model, cuts.size, cuts.size, cuts.batch);
  double all = 0;
  for (const std::string& freeze : cuts.plans) {
    const auto backend = make_backend("cpu");
    const bench::StepTimes t = bench::time_steps(
        *backend, {.model = cuts.model, .freeze = freeze, .batch = cuts.batch, .input_size = cuts.size});
    if (all == 0) all = t.train_seconds;
    fmt::print("| `{}` | {:.0f} | {:.0f} | {:.0f} % |\n", freeze, t.train_seconds * 1e3,
               static_cast<double>(t.train_peak_bytes) / 1e6, 100 * t.train_seconds / all);
  }
  fmt::print("\n");
}

// The largest move of a running mean of `stage`, in standard deviations that the file had.
double drift(const StateDict& before, const StateDict& after, const std::string& stage) {
  double largest = 0;
  for (const auto& [name, mean] : before) {
    if (!name.ends_with(".running_mean") || !lies_in(name, stage)) continue;
    const std::string var_name = name.substr(0, name.size() - 4) + "var";
    const std::vector<float> a = to_contiguous(mean), b = to_contiguous(*after.find(name)),
                             var = to_contiguous(*before.find(var_name));
    for (std::size_t i = 0; i < a.size(); ++i)
      largest = std::max(largest, std::abs(double(b[i]) - double(a[i])) / std::sqrt(double(var[i]) + 1e-5));
  }
  return largest;
}

void print_drift(const std::string& weights, const std::string& data, const std::string& output) {
  const StateDict before = read_weights(weights).tensors;
  const std::vector<std::string> stages{"bn1", "layer1", "layer2", "layer3"};
  fmt::print("| `--bn` | {} | validation accuracy | receipt |\n|---|---|---|---|---|---|---|\n",
             fmt::join(stages, " | "));
  for (const char* bn : {"auto", "train", "frozen"}) {
    TrainOptions options;
    options.model.weights = weights;
    options.model.device = "cpu";
    options.data.data = data;
    options.data.batch_size = 32;
    options.freeze = "upto:layer2";
    options.bn = bn;
    options.lr = 0.05;
    options.epochs = 12;
    options.output = output + "/" + bn;
    TrainingRun run(options, {}, nullptr);
    const OutputDirectory folder(options.output);
    if (run.run(folder) != 0) throw Error("stopped");
    const StateDict after = read_weights(folder.file("last.safetensors")).tensors;
    std::string cells;
    for (const std::string& stage : stages) cells += fmt::format("{:.2f} | ", drift(before, after, stage));
    fmt::print("| {} | {}{:.3f} | {} |\n", bn, cells,
               read_metrics(folder.file("metrics.jsonl")).back().val_accuracy, run.receipt());
  }
  fmt::print("\n");
}

}  // namespace

int main(int argc, char** argv) try {
  check(argc == 1 || argc == 4, "usage: freezing_figures [WEIGHTS DATA OUTPUT]");
  print_tape("upto:layer2");
  print_tape("layer3");
  print_gradients({"none", "upto:layer2", "layer2", "backbone"});
  print_cuts(small);
  print_cuts(large);
  if (argc == 1) return 0;
  print_times(small);
  print_times(large);
  print_drift(argv[1], argv[2], argv[3]);
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
