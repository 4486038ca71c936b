#include "tools/train/given_options.h"

#include <fmt/format.h>

#include <set>

#include "tools/program/frame.h"

namespace thaw {
namespace {

std::string joined(const std::vector<std::string>& values) {
  return fmt::format("{}", fmt::join(values, ","));
}

// Collects the fields that differ from the defaults.
class Differences {
 public:
  template <class T>
  void add(const char* name, const T& value, const T& usual) {
    if (!(value == usual)) given[name] = {fmt::format("{}", value)};
  }
  template <class T>
  void add(const char* name, const std::vector<T>& value, const std::vector<T>&) {
    if (!value.empty()) given[name] = {fmt::format("{}", fmt::join(value, ","))};
  }
  void add(const char* name, bool value, bool usual) {
    if (value != usual) given[name] = {value ? "true" : "false"};
  }

  GivenOptions given;
};

}  // namespace

std::string shell_quoted(const std::string& word) {
  const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./,:=+-@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string command_line(const GivenOptions& given) {
  std::string text;
  for (const auto& [name, values] : given) {
    text += " --" + name;
    if (values != std::vector<std::string>{"true"}) text += " " + shell_quoted(joined(values));
  }
  return text;
}

GivenOptions given_options(const CLI::App& app) {
  static const std::set<std::string> left_out{"help", "config", "output", "resume", "stop-after", "dry-run"};
  GivenOptions given;
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0 || option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (left_out.count(name) == 0) given[name] = option->results();
  }
  return given;
}

GivenOptions given_options(const TrainOptions& o) {
  const TrainOptions usual;
  Differences d;
  d.add("data", o.data.data, usual.data.data);
  d.add("scan", o.data.scan, usual.data.scan);
  d.add("on-bad-image", o.data.on_bad_image, usual.data.on_bad_image);
  d.add("max-bad-fraction", o.data.max_bad_fraction, usual.data.max_bad_fraction);
  d.add("batch-size", o.data.batch_size, usual.data.batch_size);
  d.add("workers", o.data.workers, usual.data.workers);
  d.add("weights", o.model.weights, usual.model.weights);
  d.add("model", o.model.model, usual.model.model);
  d.add("ignore", o.model.ignore, usual.model.ignore);
  d.add("in-chans", o.model.in_channels, usual.model.in_channels);
  d.add("mean", o.model.mean, usual.model.mean);
  d.add("std", o.model.std, usual.model.std);
  d.add("input-size", o.model.input_size, usual.model.input_size);
  d.add("crop-pct", o.model.crop_pct, usual.model.crop_pct);
  d.add("device", o.model.device, usual.model.device);
  d.add("precision", o.model.precision, usual.model.precision);
  d.add("threads", o.model.backend.threads, usual.model.backend.threads);
  d.add("tf32", o.model.backend.tf32, usual.model.backend.tf32);
  d.add("cudnn-benchmark", o.model.backend.cudnn_benchmark, usual.model.backend.cudnn_benchmark);
  d.add("freeze", o.freeze, usual.freeze);
  d.add("freeze-epochs", o.freeze_epochs, usual.freeze_epochs);
  d.add("bn", o.bn, usual.bn);
  d.add("epochs", o.epochs, usual.epochs);
  if (o.lr_find)
    d.given["lr"] = {"find"};
  else
    d.add("lr", o.lr, usual.lr);
  d.add("backbone-lr-mult", o.backbone_lr_mult, usual.backbone_lr_mult);
  d.add("opt", o.opt, usual.opt);
  d.add("momentum", o.momentum, usual.momentum);
  d.add("wd", o.wd, usual.wd);
  d.add("clip-grad", o.clip_grad, usual.clip_grad);
  d.add("sched", o.sched, usual.sched);
  d.add("warmup-epochs", o.warmup_epochs, usual.warmup_epochs);
  d.add("lr-step-size", o.lr_step_size, usual.lr_step_size);
  d.add("lr-gamma", o.lr_gamma, usual.lr_gamma);
  d.add("plateau-patience", o.plateau_patience, usual.plateau_patience);
  d.add("patience", o.patience, usual.patience);
  d.add("label-smoothing", o.label_smoothing, usual.label_smoothing);
  d.add("class-weights", o.class_weights, usual.class_weights);
  d.add("val-split", o.val_split, usual.val_split);
  if (o.split_seed) d.given["split-seed"] = {fmt::format("{}", *o.split_seed)};
  d.add("split-by", o.split_by, usual.split_by);
  d.add("sampler", o.sampler, usual.sampler);
  d.add("seed", o.seed, usual.seed);
  d.add("no-aug", o.no_aug, usual.no_aug);
  d.add("cache-features", o.cache_features, usual.cache_features);
  d.add("tensorboard", o.tensorboard, usual.tensorboard);
  return d.given;
}

TrainOptions parsed_options(const GivenOptions& given) {
  TrainOptions options;
  const auto app = make_app("", "train");
  add_train_options(*app, options);
  std::vector<std::string> arguments;  // CLI11 takes them last first
  for (const char* name : {"config", "help", "version", "print-man", "print-completion"})
    if (given.contains(name)) throw UsageError(std::string("--") + name + " is no option of a run");
  for (const auto& [name, values] : given) arguments.push_back("--" + name + "=" + joined(values));
  parse(*app, std::move(arguments));
  return options;
}

bool may_change(const std::string& option) {
  return option == "data" || option == "workers" || option == "device" || option == "threads" ||
         option == "scan" || option == "cudnn-benchmark" || option == "tensorboard";
}

TrainOptions resumed_options(const GivenOptions& stored, const GivenOptions& now,
                             const TrainOptions& current) {
  GivenOptions all = stored;
  for (const auto& [name, values] : now) {
    const auto before = stored.find(name);
    if (!may_change(name) && (before == stored.end() || before->second != values))
      throw UsageError(
          "--resume: --" + name + " was " + (before == stored.end() ? "not given" : joined(before->second)) +
          " and cannot become " + joined(values) + "; leave it out, or start a new run in another --output" +
          (name == "epochs" ? " from --weights " + current.output + "/last.safetensors" : ""));
    all[name] = values;
  }
  TrainOptions options = parsed_options(all);
  options.output = current.output;
  options.resume = true;
  options.stop_after = current.stop_after;
  options.dry_run = current.dry_run;
  return options;
}

}  // namespace thaw
