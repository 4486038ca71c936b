// Times the ops that take most of a network's step at their shapes, each against the machine's limits
// measured in the same run.
#include <algorithm>
#include <cstdio>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/registry.h"
#include "tools/bench/cases.h"
#include "tools/bench/dense.h"
#include "tools/bench/limits.h"
#include "tools/bench/step.h"
#include "tools/bench/timed_ops.h"
#include "tools/network/model_options.h"
#include "tools/program/frame.h"
#include "tools/program/messages.h"
#include "tools/program/values.h"

namespace thaw::bench {
namespace {

struct Options {
  std::string model = "resnet50", device = "auto", precision = "f32", only, freeze = "none",
              dense_form = "slices";
  std::int64_t batch = 16, input_size = 0;
  NetworkOptions network;
  bool step = false, dense = false;
  int repeats = 5;
  bool json = false;
  BackendOptions backend;
};

struct Sum {
  double seconds = 0.0, flops = 0.0, limit = 0.0;
};

// One answer of --json is one line, written at once: a run that is cut short keeps those it has.
void print_line(const nlohmann::json& answer) {
  fmt::print("{}\n", answer.dump());
  std::fflush(stdout);
}

class Report {
 public:
  Report(const Options& options, const Limits& limits, DType type)
      : options_(options), limits_(limits), type_(type) {}

  void begin(const std::string& device) {
    if (options_.json)
      print_line({{"device", device},
                  {"model", options_.model},
                  {"batch", options_.batch},
                  {"precision", options_.precision},
                  {"tf32", options_.backend.tf32},
                  {"limits",
                   {{"f32_gflops", limits_.f32_flops * 1e-9},
                    {"bf16_gflops", limits_.bf16_flops * 1e-9},
                    {"copy_gbytes_per_second", limits_.bytes_per_second * 1e-9}}}});
    else
      say("{}\nlimits: {:.1f} GFLOP/s f32, {:.1f} bf16, copy {:.1f} GB/s (read + written)\n", device,
          limits_.f32_flops * 1e-9, limits_.bf16_flops * 1e-9, limits_.bytes_per_second * 1e-9);
  }

  void run(Backend& backend, const Case& c) {
    if (c.op.find(options_.only) == std::string::npos) return;
    const auto runs_in_a_row = [&](int runs) {
      for (int i = 0; i < runs; ++i) c.run();
      backend.synchronize();
    };
    runs_in_a_row(1);
    // Many short ones in a row, so that a device's answer to the host does not count.
    const int runs = static_cast<int>(std::clamp(1e-3 / seconds_of([&] { runs_in_a_row(1); }), 1.0, 100.0));
    const double seconds = median_seconds(options_.repeats, [&] { runs_in_a_row(runs); }) / runs;
    const double peak = type_ == DType::bf16 ? limits_.bf16_flops : limits_.f32_flops;
    const double limit = std::max(peak > 0.0 ? c.flops / peak : 0.0,
                                  c.bytes / limits_.bytes_per_second);  // the least time possible
    Sum& sum = sums_[c.op];
    sum.seconds += seconds * c.count;
    sum.flops += c.flops * c.count;
    sum.limit += limit * c.count;
    if (options_.json) {
      print_line({{"op", c.op},
                  {"shape", c.shape},
                  {"count", c.count},
                  {"ms", seconds * 1e3},
                  {"gflops", c.flops / seconds * 1e-9},
                  {"gbytes_per_second", c.bytes / seconds * 1e-9},
                  {"share_of_limit", limit / seconds}});
    } else {
      fmt::print("{:<28} {:<36} x{:<2} {:9.3f} ms {:8.1f} GFLOP/s {:7.1f} GB/s {:5.0f} %\n", c.op, c.shape,
                 c.count, seconds * 1e3, c.flops / seconds * 1e-9, c.bytes / seconds * 1e-9,
                 100.0 * limit / seconds);
      std::fflush(stdout);
    }
  }

  void finish() {
    if (sums_.empty() && options_.only != "limits")
      throw Error("--only " + options_.only + ": " + options_.model +
                  " has no such op; give another --model");
    if (options_.json || sums_.empty()) return;
    fmt::print("\nAll of {} at batch {}, each shape as often as the network has it:\n", options_.model,
               options_.batch);
    for (const auto& [op, sum] : sums_) {
      fmt::print("{:<28} {:9.1f} ms {:8.1f} GFLOP/s {:5.0f} % of the limit\n", op, sum.seconds * 1e3,
                 sum.flops / sum.seconds * 1e-9, 100.0 * sum.limit / sum.seconds);
    }
  }

 private:
  const Options& options_;
  const Limits& limits_;
  DType type_;
  std::map<std::string, Sum> sums_;
};

void run_steps(Backend& backend, const Options& options, DType type) {
  if (!options.json)
    fmt::print("{} at {}x{}, batch {}, {}, --freeze {}\n", options.model, options.input_size,
               options.input_size, options.batch, options.precision, options.freeze);
  const auto answer = [&](const std::string& task, double seconds, std::size_t peak_bytes) {
    const double rate = static_cast<double>(options.batch) / seconds;
    if (options.json)
      print_line({{"device", backend.description()},
                  {"model", options.model},
                  {"freeze", options.freeze},
                  {"batch", options.batch},
                  {"input_size", options.input_size},
                  {"precision", options.precision},
                  {"tf32", options.backend.tf32},
                  {"task", task},
                  {"ms", seconds * 1e3},
                  {"images_per_second", rate},
                  {"peak_bytes", peak_bytes}});
    else
      fmt::print("{:<13} {:9.1f} ms {:8.1f} images/s, peak {:.0f} MB\n",
                 task == "train" ? "training step" : "inference", seconds * 1e3, rate,
                 static_cast<double>(peak_bytes) / 1048576.0);
    std::fflush(stdout);
  };
  time_steps(backend,
             {.model = options.model,
              .network = options.network,
              .freeze = options.freeze,
              .batch = options.batch,
              .input_size = options.input_size,
              .type = type,
              .repeats = options.repeats,
              .dense_form = options.dense_form == "concat" ? DenseForm::concat : DenseForm::slices,
              .task = options.only.empty() ? "both" : options.only},
             answer);
}

// The two forms of DenseNet-121's layer from 256 channels, and of the block that it stands in.
void run_dense(Backend& backend, const Options& options, DType type) {
  const std::pair<const char*, DenseOptions> blocks[] = {
      {"a layer 256 -> 128 -> 32 at 28x28", {.in = 256, .growth = 32, .layers = 1, .size = 28}},
      {"denseblock2 of densenet121, 12 layers at 28x28", {.in = 128, .growth = 32, .layers = 12, .size = 28}},
  };
  for (auto [name, block] : blocks) {
    block.batch = options.batch;
    block.type = type;
    block.repeats = options.repeats;
    for (const DenseForm form : {DenseForm::concat, DenseForm::slices}) {
      const char* form_name = form == DenseForm::concat ? "concat" : "slices";
      const DenseTimes times = time_dense_block(backend, block, form);
      if (options.json)
        print_line({{"device", backend.description()},
                    {"batch", options.batch},
                    {"precision", options.precision},
                    {"tf32", options.backend.tf32},
                    {"block", name},
                    {"form", form_name},
                    {"ms", times.seconds * 1e3},
                    {"peak_bytes", times.peak_bytes}});
      else
        fmt::print("{:<48} {:<7} {:9.2f} ms, peak {:7.1f} MB\n", name, form_name, times.seconds * 1e3,
                   static_cast<double>(times.peak_bytes) / 1048576.0);
    }
  }
}

// What the command line left open is as the network's published weights have it.
void complete(Options& options) {
  check_model_name(options.model);
  if (options.dense && !options.only.empty())
    throw UsageError("--only: --dense times its two forms whole; leave one of the two out");
  if (!options.step) check_only(options.only);
  const NetworkFacts& facts = network_facts(options.model);
  options.network.num_classes = facts.num_classes;
  if (options.network.in_channels == 0) options.network.in_channels = facts.in_channels;
  options.network.input_size = facts.one_size ? options.input_size : 0;
  if (options.input_size == 0)
    options.input_size = make_network(options.model, options.network)->input().size;
}

void run(const Options& options) {
  const int threads = options.backend.threads > 0
                          ? options.backend.threads
                          : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  check_backend_options(options.backend, options.device, options.precision);
  const auto backend = make_backend(options.device, options.backend);
  const DType type = options.precision == "bf16" ? DType::bf16 : DType::f32;
  if (!backend->supports(type))
    throw Error("bench: " + backend->description() + " has no " + options.precision +
                "; use --precision f32");
  if (options.dense) return run_dense(*backend, options, type);
  if (options.step) return run_steps(*backend, options, type);
  const Limits limits = measure_limits(*backend, threads);
  Report report(options, limits, type);
  report.begin(backend->description());
  const Layers layers = layers_of(options.model, options.network, options.input_size);
  for (const ConvolutionLayer& layer : layers.convolutions) {
    Buffers buffers(*backend);
    for (const Case& c : conv2d_cases(*backend, buffers, layer, options.batch, type)) report.run(*backend, c);
  }
  for (const NormLayer& layer : layers.norms) {
    Buffers buffers(*backend);
    for (const Case& c : batch_norm_cases(*backend, buffers, layer, options.batch, type))
      report.run(*backend, c);
  }
  Buffers buffers(*backend);
  for (const Case& c : other_cases(*backend, buffers, options.batch, type)) report.run(*backend, c);
  report.finish();
}

}  // namespace
}  // namespace thaw::bench

int main(int argc, char** argv) {
  thaw::bench::Options options;
  options.network.in_channels = 0;
  const auto app = thaw::make_app(
      "Times the ops that take most of a network's step against the machine's measured limits.", "bench",
      "bench --model resnet18 --batch-size 8 --only conv2d");
  app->add_option("--model", options.model, "any network, e.g. resnet50, densenet121, resnet20, scratch_cnn")
      ->type_name("NAME");
  app->add_option("-b,--batch-size", options.batch, "pictures per batch")->check(thaw::between(1, 4096));
  app->add_option("--device", options.device, "where to compute")
      ->check(thaw::one_of({"auto", "cpu", "cuda", "reference"}));
  app->add_option("--precision", options.precision, "type of the activations")
      ->check(thaw::one_of({"f32", "bf16"}));
  thaw::add_backend_options(*app, options.backend);
  app->add_option(
      "--only", options.only,
      "run the ops whose name holds this text; limits: none of them; with --step: train or inference");
  app->add_option("--repeats", options.repeats, "runs of each op; the median counts")
      ->check(thaw::between(1, 1000));
  app->add_flag("--step", options.step, "time whole training steps and inference instead of ops");
  app->add_option("--freeze", options.freeze, "with --step: what is frozen, as in train")->type_name("SPEC");
  app->add_flag("--dense", options.dense,
                "time forward and backward of a DenseNet layer and block in both forms instead of ops");
  app->add_option("--dense-form", options.dense_form,
                  "with --step: DenseNet's blocks as one buffer of slices, or with a concatenation per layer")
      ->check(thaw::one_of({"slices", "concat"}));
  app->add_option("--input-size", options.input_size,
                  "side of the pictures; 0: as the network is made for (224, 32, 512)")
      ->check(thaw::between(0, 4096));
  app->add_option("--in-channels", options.network.in_channels,
                  "channels of the pictures; 0: as the network is made for")
      ->check(thaw::between(0, 1024));
  app->add_flag("--json", options.json, "JSON on stdout, a line per answer as soon as it is there");
  return thaw::run_program(*app, argc, argv, [&] {
    thaw::bench::complete(options);
    thaw::bench::run(options);
    return thaw::exit_done;
  });
}
