#include "tools/training_run.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "io/checkpoint.h"
#include "layers/batch_norm.h"
#include "models/freeze_plan.h"
#include "models/initialize.h"
#include "models/input_channels.h"
#include "models/load_weights.h"
#include "models/registry.h"
#include "tools/evaluate_model.h"
#include "tools/program.h"
#include "tools/progress.h"
#include "tools/signals.h"

namespace thaw {
namespace {

constexpr std::size_t picture_cache_bytes = std::size_t{256} << 20;

BatchNormPolicy policy_of(const std::string& name) {
  if (name == "frozen") return BatchNormPolicy::frozen;
  return name == "train" ? BatchNormPolicy::train : BatchNormPolicy::automatic;
}

std::string epoch_line(const EpochMetrics& m, int epochs) {
  const std::string validation =
      std::isnan(m.val_loss) ? ""
                             : fmt::format("  val loss {:.4f} accuracy {:.4f}", m.val_loss, m.val_accuracy);
  return fmt::format(
      "epoch {}/{}  train loss {:.4f} accuracy {:.4f}{}  lr {:.3g}  {:.0f} images/s  data wait {:.0f}%  {}",
      m.epoch, epochs, m.train_loss, m.train_accuracy, validation, m.lr, m.images_per_second,
      100 * m.data_wait_fraction, clock_text(m.seconds));
}

}  // namespace

TrainingRun::TrainingRun(const TrainOptions& options, const GivenOptions& given, const TrainState* state)
    : options_(options), given_(given) {
  read_data(state);
  open_device(options_.model, session_);
  build_network(state);
  freeze_and_plan();
  if (state != nullptr) {
    optimizer_->load_state_dict(state->optimizer);
    position_ = state->position;
  }
}

void TrainingRun::read_data(const TrainState* state) {
  ScanOptions scan;
  // The default share is for folders without train/; asked for beside train/, the scan notes that it is not
  // used.
  const bool asked = given_.count("val-split") != 0;
  const bool has_train = std::filesystem::is_directory(options_.data.data + "/train");
  scan.val_split = !asked && has_train ? 0 : options_.val_split;
  scan.seed = options_.split_seed.value_or(options_.seed);
  if (state != nullptr) scan.classes = state->description.classes;
  if (state != nullptr) {
    scan.features.emplace();
    for (const FeatureScale& f : state->description.features) scan.features->push_back(f.name);
  }
  splits_ = scan_data(options_.data.data, scan);
  if (splits_.train.classes.size() < 2)
    throw Error(options_.data.data + ": has one class only (" + splits_.train.classes.front() +
                "); training needs two or more");
  if (splits_.train.samples.size() < 2) throw Error(options_.data.data + ": has one training picture only");
  check_pictures(splits_.train, options_.data.workers);
  if (!splits_.val.samples.empty()) check_pictures(splits_.val, options_.data.workers);
  fingerprint_ = fingerprint(splits_.train) + fingerprint(splits_.val);
  if (state != nullptr && state->fingerprint != fingerprint_)
    throw Error(options_.data.data +
                ": holds other pictures than when the run was started; put them back, or start a new run in "
                "another --output");
  features_ = state != nullptr ? state->description.features : feature_scales(splits_.train);
  for (Dataset* dataset : {&splits_.train, &splits_.val}) standardise(*dataset, features_);
}

void TrainingRun::build_network(const TrainState* state) {
  ModelDescription& d = session_.description;
  const ModelOptions& o = options_.model;
  if (state != nullptr) {
    d = state->description;
    session_.network = make_network(d.model, d.options);
    LoadOptions load;
    load.source = "the training state";
    load_weights(*session_.network, state->model, load);
    return;
  }
  LoadedWeights file;
  if (!o.weights.empty()) file = read_weights(o.weights);
  d.model = o.model;
  d.options.input_size = o.input_size;
  if (!file.metadata.empty()) {
    const ModelDescription old = ModelDescription::parse(file.metadata, o.weights);
    if (!o.model.empty() && o.model != old.model)
      throw UsageError("--model " + o.model + ": " + o.weights + " holds a " + old.model);
    if (o.in_channels == 3 && old.options.in_channels == 1)
      throw UsageError(fmt::format("--in-chans: {} takes pictures of 1 channel", o.weights));
    d = old;
  } else if (o.model.empty()) {
    throw UsageError("--model NAME is required: " + o.weights +
                     " was not written by Thaw and does not name its network");
  }
  if (file.metadata.empty() || o.in_channels != 0)
    d.options.in_channels = o.in_channels != 0 ? o.in_channels : default_in_channels(d.model);
  d.options.views = splits_.train.views;
  d.features = features_;
  d.options.features = static_cast<std::int64_t>(features_.size());
  d.classes = splits_.train.classes;
  d.options.num_classes = static_cast<std::int64_t>(d.classes.size());
  d.val_split = splits_.flat ? options_.val_split : 0;
  d.split_seed = splits_.flat ? options_.split_seed.value_or(options_.seed) : 0;
  session_.network = make_network(d.model, d.options);
  if (file.metadata.empty() || d.preprocess.channels != d.options.in_channels) {
    const Preprocess defaults = default_preprocess(*session_.network);
    if (file.metadata.empty()) d.preprocess = defaults;
    d.preprocess.channels = defaults.channels;
    d.preprocess.mean = defaults.mean;
    d.preprocess.std = defaults.std;
  }
  override_preprocess(o, *session_.network, d.preprocess);
  initialize(*session_.network, options_.seed);
  if (o.weights.empty()) return;
  LoadOptions load;
  load.replace_head = true;
  load.seed = options_.seed;
  load.source = o.weights;
  const std::string adapted = adapt_input_channels(*session_.network, file.tensors);
  const LoadReport report = load_weights(*session_.network, file.tensors, load);
  session_.notes = std::move(file.notes);
  if (!adapted.empty()) session_.notes.push_back(adapted);
  session_.notes.push_back(report.text());
}

void TrainingRun::freeze_and_plan() {
  Network& network = *session_.network;
  try {
    apply_freeze_plan(network, options_.freeze_spec());
  } catch (const Error& e) {
    throw UsageError(e.what());
  }
  set_batch_norm_policy(network, policy_of(options_.bn));
  Linear& head = network.head();
  for (Parameter* p : network.parameters())
    if (p != &head.weight && p != &head.bias) p->lr_scale = static_cast<float>(options_.backbone_lr_mult);
  session_.plan();
  if (session_.arenas.trainable().empty())
    throw UsageError("--freeze " + options_.freeze_spec() + ": freezes all of " + network.name() +
                     ", nothing is left to train");
  receipt_ = FreezeReceipt(network);

  OptimizerOptions optimizer;
  optimizer.momentum = static_cast<float>(options_.momentum);
  optimizer.weight_decay = static_cast<float>(options_.wd);
  optimizer_ = make_optimizer(options_.opt, optimizer);
  optimizer_->plan(session_.arenas);

  settings_.schedule.kind = schedule_kind(options_.sched);
  settings_.schedule.lr = options_.base_lr();
  settings_.schedule.total = options_.epochs;
  settings_.schedule.warmup = options_.warmup_epochs;
  settings_.schedule.step_size = options_.lr_step_size;
  settings_.schedule.gamma = options_.lr_gamma;
  settings_.label_smoothing = static_cast<float>(options_.label_smoothing);
  if (options_.class_weights == "balanced")
    settings_.class_weights = balanced_weights(splits_.train.class_counts());
  settings_.max_norm = static_cast<float>(options_.clip_grad);
  settings_.seed = options_.seed;
  settings_.epochs = options_.epochs;

  LoaderOptions loading;
  loading.batch_size = options_.data.batch_size;
  loading.workers = options_.data.workers;
  loading.cache_bytes = picture_cache_bytes;
  if (!splits_.val.samples.empty())
    val_loader_ = std::make_unique<Loader>(splits_.val, session_.description.preprocess, loading);
  loading.train = loading.shuffle = loading.merge_last_single = true;
  loading.seed = options_.seed;
  train_loader_ = std::make_unique<Loader>(splits_.train, session_.description.preprocess, loading);
}

std::string TrainingRun::plan() const {
  std::int64_t trained = 0, all = 0;
  for (const Parameter* p : session_.arenas.trainable()) trained += p->value.elements();
  for (const Parameter* p : session_.arenas.frozen()) all += p->value.elements();
  all += trained;
  const Preprocess& p = session_.description.preprocess;
  std::string out;
  const auto line = [&out](const std::string& text) { out += text + "\n"; };
  for (const std::string& note : splits_.notes) line("data: " + note);
  std::string classes;
  const std::vector<std::int64_t> counts = splits_.train.class_counts();
  for (std::size_t i = 0; i < counts.size() && i < 10; ++i)
    classes += fmt::format("{}{} {}", i > 0 ? ", " : "", splits_.train.classes[i], counts[i]);
  if (counts.size() > 10) classes += fmt::format(", and {} more classes", counts.size() - 10);
  const bool cases = splits_.train.views > 1 || !features_.empty();
  line(fmt::format("data: {} training and {} validation {} of {} classes ({})", splits_.train.samples.size(),
                   splits_.val.samples.size(), cases ? "cases" : "pictures", counts.size(), classes));
  if (cases)
    line(fmt::format("data: a case has {} picture{} and {} features{}{}", splits_.train.views,
                     splits_.train.views > 1 ? "s" : "", features_.size(), features_.empty() ? "" : ": ",
                     fmt::join(splits_.train.features, ", ")));
  line(fmt::format("input: {}x{}x{}, crop {:g}, mean {:g}, std {:g}; {}", p.channels, p.input_size,
                   p.input_size, p.crop_pct, fmt::join(p.mean, ","), fmt::join(p.std, ","),
                   p.channels == 3 ? "grey pictures are repeated to RGB" : "colour pictures become grey"));
  line(device_line(options_.model, *session_.backend));
  if (options_.model.weights.empty())
    line("weights: none, " + session_.description.model + " starts from random values");
  for (const std::string& note : session_.notes) line("weights: " + note);
  line(fmt::format("freeze {}: {} of {} parameter tensors frozen, {} of {} parameters are trained; --bn {}",
                   options_.freeze_spec(), session_.arenas.frozen().size(),
                   session_.arenas.frozen().size() + session_.arenas.trainable().size(), trained, all,
                   options_.bn));
  line(fmt::format("training: {} epochs of {} batches, {} with lr {:g}{}, {} schedule", options_.epochs,
                   train_loader_->batches(), options_.opt, options_.base_lr(),
                   options_.lr > 0 ? "" : " (default)", options_.sched));
  return out;
}

bool TrainingRun::validate(EpochMetrics& metrics, const std::function<bool()>& stop) {
  metrics.val_loss = metrics.val_accuracy = std::numeric_limits<double>::quiet_NaN();
  if (val_loader_ == nullptr) return true;
  const ImageInput input(*session_.backend, session_.description.preprocess, session_.activations);
  const EvaluationReport report = evaluate_model(*session_.network, input, *val_loader_, "validation", stop);
  if (report.images == 0) return false;
  metrics.val_loss = report.loss;
  metrics.val_accuracy = report.top1;
  return true;
}

void TrainingRun::save_weights(const std::string& path) {
  write_checkpoint(path, session_.network->state_dict(), session_.description.json());
}

void TrainingRun::save_state(const OutputDirectory& output) {
  TrainState state;
  state.options = given_;
  state.fingerprint = fingerprint_;
  state.description = session_.description;
  state.position = position_;
  state.model = session_.network->state_dict();
  state.optimizer = optimizer_->state_dict();
  save_weights(output.file("last.safetensors"));
  write_train_state(output.file("train_state.safetensors"), state);
}

int TrainingRun::run(const OutputDirectory& output) {
  StopSignals signals;
  const auto stop = [&signals] { return signals.received() != 0; };
  TrainingLoop loop(session_, *optimizer_, *train_loader_, settings_);
  trim_metrics(output.file("metrics.jsonl"), position_.epochs_done);
  const int end = options_.stop_after > 0 ? std::min(options_.stop_after, options_.epochs) : options_.epochs;
  while (position_.epochs_done < end) {
    const auto start = std::chrono::steady_clock::now();
    EpochMetrics metrics;
    if (!loop.run_epoch(position_, metrics, stop) || !validate(metrics, stop)) {
      save_state(output);
      break;
    }
    metrics.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    // Without validation pictures the newest network is the best one known.
    const bool best = std::isnan(metrics.val_accuracy) || metrics.val_accuracy > position_.best_accuracy;
    position_.next_epoch();
    if (best) {
      position_.best_epoch = metrics.epoch;
      if (!std::isnan(metrics.val_accuracy)) position_.best_accuracy = metrics.val_accuracy;
      save_weights(output.file("best.safetensors"));
    }
    append_metrics(output.file("metrics.jsonl"), metrics);
    save_state(output);
    fmt::print(stderr, "{}{}\n", epoch_line(metrics, options_.epochs), best ? "  best" : "");
    if (stop()) break;
  }
  fmt::print(stderr, "{}\n", receipt_.verify(*session_.network));
  if (stop() && position_.epochs_done < options_.epochs) {
    fmt::print(stderr, "stopped by a signal in epoch {}; {} holds the state, continue with --resume\n",
               position_.epochs_done + 1, output.path());
    return signals.exit_code();
  }
  if (position_.best_epoch > 0)
    fmt::print(stderr, "{} of {} epochs done, best epoch {}{}; {}\n", position_.epochs_done, options_.epochs,
               position_.best_epoch,
               position_.best_accuracy >= 0
                   ? fmt::format(" (validation accuracy {:.4f})", position_.best_accuracy)
                   : "",
               output.file("best.safetensors"));
  return exit_done;
}

}  // namespace thaw
