#include "tools/train/run.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "io/weights/checkpoint.h"
#include "layers/batch_norm.h"
#include "models/freeze/plan.h"
#include "models/registry.h"
#include "models/weights/initialize.h"
#include "models/weights/input_channels.h"
#include "models/weights/load.h"
#include "tools/evaluate/evaluate_model.h"
#include "tools/network/open_network.h"
#include "tools/program/frame.h"
#include "tools/program/progress.h"
#include "tools/program/signals.h"

namespace thaw {
namespace {

constexpr std::size_t picture_cache_bytes = std::size_t{256} << 20;

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

TrainingRun::TrainingRun(const TrainOptions& options, const GivenOptions& given, const TrainState* state,
                         SharedFeatures* shared)
    : options_(options), given_(given), shared_(shared != nullptr ? shared : &own_features_) {
  read_data(state);
  open_device(options_.model, session_);
  build_network(state);
  set_up_training();
  if (state != nullptr) resume_position(*state);
  // The first step after the last epoch of the head alone is what thaws.
  head_only_ = position_.epochs_done < options_.freeze_epochs ||
               (position_.epochs_done == options_.freeze_epochs && position_.batches_done == 0 &&
                options_.freeze_epochs > 0);
  plan_training();
  if (state != nullptr) optimizer_->load_state_dict(state->optimizer);
  if (options_.cache_features && options_.freeze_epochs == 0 && fixed_stages(*session_.network) == 0)
    throw UsageError("--cache-features: with --freeze " + options_.freeze_spec() + " and --bn " +
                     options_.bn + " the first stage changes from step to step, so there is nothing to keep");
  make_loaders();
}

void TrainingRun::resume_position(const TrainState& state) {
  position_ = state.position;
  epochs_ = state.epochs;
  best_weights_ = state.best_weights;
  session_.notes = state.notes;
  if (!state.best_logits.defined()) return;
  std::vector<int> labels;
  for (const Sample& sample : splits_.val.samples) labels.push_back(sample.label);
  keep_best(evaluation_report(to_contiguous(state.best_logits), session_.network->num_classes(), labels,
                              splits_.val.classes));
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
  if (asked && !splits_.flat && std::filesystem::is_regular_file(options_.data.data))
    splits_.notes.push_back("--val-split is not used: there is a column split");
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
  NetworkFile file;
  if (!o.weights.empty()) file = open_network(read_weights(o.weights), o, o.weights);
  d.model = o.model;
  d.options.input_size = o.input_size;
  if (file.described) {
    if (o.in_channels == 3 && file.description.options.in_channels == 1)
      throw UsageError(fmt::format("--in-chans: {} takes pictures of 1 channel", o.weights));
    d = file.description;
  } else if (o.model.empty()) {
    throw UsageError("--model NAME is required; see --help");
  }
  if (!file.described || o.in_channels != 0)
    d.options.in_channels = o.in_channels != 0 ? o.in_channels : network_facts(d.model).in_channels;
  d.options.views = splits_.train.views;
  d.features = features_;
  d.options.features = static_cast<std::int64_t>(features_.size());
  d.classes = splits_.train.classes;
  d.options.num_classes = static_cast<std::int64_t>(d.classes.size());
  d.val_split = splits_.flat ? options_.val_split : 0;
  d.split_seed = splits_.flat ? options_.split_seed.value_or(options_.seed) : 0;
  session_.network = make_network(d.model, d.options);
  if (!file.described || d.preprocess.channels != d.options.in_channels) {
    const Preprocess defaults = default_preprocess(*session_.network);
    if (!file.described) d.preprocess = defaults;
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

void TrainingRun::freeze(bool head_only) {
  Network& network = *session_.network;
  try {
    apply_freeze_plan(network, options_.freeze_spec());
    if (head_only)
      for (Module* m : modules_to_freeze(network, "backbone")) m->freeze();
  } catch (const Error& e) {
    throw UsageError(e.what());
  }
}

// What a plan leaves to train must show before the first epoch, not at the thawing.
void TrainingRun::check_freezing() {
  std::int64_t trained[2] = {0, 0};
  for (const bool head_only : {false, true}) {
    freeze(head_only);
    for (const Parameter* p : session_.network->parameters()) trained[head_only] += p->frozen ? 0 : 1;
  }
  if (trained[0] == 0 || (options_.freeze_epochs > 0 && trained[1] == 0))
    throw UsageError(fmt::format("--freeze {}: freezes all of {}, nothing is left to train",
                                 options_.freeze_spec(), session_.network->name()));
  if (options_.freeze_epochs > 0 && trained[0] == trained[1])
    throw UsageError(
        "--freeze-epochs: --freeze " + options_.freeze_spec() +
        " leaves nothing but the head to thaw; choose another --freeze, or leave one of them out");
}

void TrainingRun::set_up_training() {
  Network& network = *session_.network;
  set_batch_norm_policy(network, batch_norm_policy(options_.bn));
  const Linear& head = network.head();
  for (Parameter* p : network.parameters())
    if (p != &head.weight && p != &head.bias) p->lr_scale = static_cast<float>(options_.backbone_lr_mult);
  check_freezing();

  OptimizerOptions optimizer;
  optimizer.momentum = static_cast<float>(options_.momentum);
  optimizer.weight_decay = static_cast<float>(options_.wd);
  optimizer_ = make_optimizer(options_.opt, optimizer);

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

  const bool plateau = settings_.schedule.kind == ScheduleKind::plateau;
  if (splits_.val.samples.empty() && (plateau || options_.patience > 0))
    throw UsageError(std::string(plateau ? "--sched plateau" : "--patience") + ": " + options_.data.data +
                     " has no validation pictures to go by; give it val/ or use --val-split");
}

void TrainingRun::plan_training() {
  freeze(head_only_);
  session_.plan();
  receipt_ = FreezeReceipt(*session_.network);
  optimizer_->plan(session_.arenas, position_.step);
}

LoaderOptions TrainingRun::loading() const {
  LoaderOptions loading;
  loading.batch_size = options_.data.batch_size;
  loading.workers = options_.data.workers;
  loading.cache_bytes = picture_cache_bytes;
  loading.seed = options_.seed;
  return loading;
}

void TrainingRun::make_loaders() {
  LoaderOptions options = loading();
  options.pictures = kept_ == nullptr;
  val_loader_.reset();
  if (!splits_.val.samples.empty())
    val_loader_ = std::make_unique<Loader>(splits_.val, session_.description.preprocess, options);
  options.train = !options_.no_aug;
  options.shuffle = options.merge_last_single = true;
  train_loader_ = std::make_unique<Loader>(splits_.train, session_.description.preprocess, options);
}

bool TrainingRun::cache_features(const std::function<bool()>& stop) {
  const std::size_t stages = options_.cache_features ? fixed_stages(*session_.network) : 0;
  kept_.reset();
  if (stages > 0) {
    const ImageInput input = image_input();
    kept_ = shared_->get({.network = *session_.network,
                          .input = input,
                          .splits = splits_,
                          .preprocess = session_.description.preprocess,
                          .loading = one_pass(options_.data),
                          .identity = fingerprint_ + session_.description.json(),
                          .stop = stop},
                         stages, feature_use_);
    if (kept_ == nullptr) return false;
    fmt::print(stderr, "features: {}\n", feature_use_.text());
  } else if (options_.cache_features) {
    shared_->clear();
    fmt::print(stderr, "features: none are kept, the first stage is trained\n");
  }
  session_.backend->reset_peak();
  settings_.features = kept_ ? &kept_->train : nullptr;
  make_loaders();
  return true;
}

ImageInput TrainingRun::image_input() const {
  return ImageInput(*session_.backend, session_.description.preprocess, session_.activations);
}

bool TrainingRun::validate(EpochMetrics& metrics, const std::function<bool()>& stop) {
  metrics.val_loss = metrics.val_accuracy = std::numeric_limits<double>::quiet_NaN();
  if (val_loader_ == nullptr) return true;
  Network& network = *session_.network;
  const auto upload = [&](const Batch& batch) {
    return DeviceBatch{Variable(kept_->val->batch(batch.indices).to(*session_.backend)),
                       batch.features.defined() ? batch.features.to(*session_.backend) : Tensor()};
  };
  const auto forward = [&](const DeviceBatch& batch) {
    return network.run(batch.x, kept_->stages, network.stages().size(), Mode::eval(), batch.numbers);
  };
  validation_ = kept_ == nullptr ? evaluate_model(session_, *val_loader_, "validation", stop)
                                 : evaluate_model(upload, forward, network.num_classes(), *val_loader_,
                                                  "validation", stop);
  if (validation_.images == 0) return false;
  metrics.val_loss = validation_.loss;
  metrics.val_accuracy = validation_.top1;
  return true;
}

void TrainingRun::save_state(const OutputDirectory& output) {
  TrainState state;
  state.options = given_;
  state.fingerprint = fingerprint_;
  state.description = session_.description;
  state.position = position_;
  state.epochs = epochs_;
  state.notes = session_.notes;
  state.best_weights = best_weights_;
  if (best_.images > 0)
    state.best_logits = from_contiguous(best_.logits, {best_.images, session_.network->num_classes()});
  state.model = session_.network->state_dict();
  state.optimizer = optimizer_->state_dict();
  save_model(session_, output.file("last.safetensors"));
  write_train_state(output.file("train_state.safetensors"), state);
}

bool TrainingRun::out_of_patience() const {
  const int waited = position_.epochs_done - std::max(position_.best_epoch, options_.freeze_epochs);
  return options_.patience > 0 && waited >= options_.patience;
}

void TrainingRun::restore_best(const OutputDirectory& output) {
  const std::string best = output.file("best.safetensors");
  load_weights(*session_.network, read_weights(best).tensors, {.source = best});
  session_.plan();
  save_model(session_, output.file("last.safetensors"));
  fmt::print(stderr,
             "stopped early: {} epochs without a better validation accuracy (--patience); last.safetensors "
             "holds the weights of the best epoch, {}\n",
             position_.epochs_done - std::max(position_.best_epoch, options_.freeze_epochs),
             position_.best_epoch);
}

void TrainingRun::hold_best(const OutputDirectory& output) {
  if (position_.best_epoch == 0) return;
  const std::string best = output.file("best.safetensors");
  std::string found = "it is not there";
  if (std::filesystem::exists(best)) {
    try {
      if (hash_state_dict(read_checkpoint(best).tensors) == best_weights_) return;
      found = "it holds other weights";
    } catch (const Error& e) {
      found = e.what();
    }
  }
  if (position_.best_epoch != position_.epochs_done || position_.batches_done != 0)
    throw Error(
        fmt::format("{}: is not what the run wrote after epoch {} ({}); put that back, or start a new run "
                    "in another --output",
                    best, position_.best_epoch, found));
  save_model(session_, best);
  fmt::print(stderr, "best.safetensors is written anew from the training state: {}\n", found);
}

void TrainingRun::end_epoch(const EpochMetrics& metrics, const OutputDirectory& output) {
  // Without validation pictures the newest network is the best one known.
  const bool validated = !std::isnan(metrics.val_accuracy);
  const bool best = !validated || metrics.val_accuracy > position_.best_accuracy;
  position_.next_epoch();
  if (best) {
    position_.best_epoch = metrics.epoch;
    if (validated) {
      position_.best_accuracy = metrics.val_accuracy;
      keep_best(std::move(validation_));
    }
    best_weights_ = hash_state_dict(session_.network->state_dict());
  }
  if (settings_.schedule.kind == ScheduleKind::plateau)
    position_.plateau.observe(metrics.val_loss, options_.plateau_patience);
  epochs_.push_back(metrics);
  save_state(output);
  // After the state, which knows what it must be: hold_best makes up for a stop between the two.
  if (best) save_model(session_, output.file("best.safetensors"));
  write_metrics(output.file("metrics.jsonl"), epochs_);
  write_page(output, "");
  fmt::print(stderr, "{}{}\n", epoch_line(metrics, options_.epochs), best ? "  best" : "");
}

int TrainingRun::run(const OutputDirectory& output) {
  StopSignals signals;
  const auto stop = [&signals] { return signals.received() != 0; };
  std::unique_ptr<TrainingLoop> loop;
  // What stands there may be of epochs that are not done, or lost.
  if (!epochs_.empty()) write_metrics(output.file("metrics.jsonl"), epochs_);
  hold_best(output);
  const int end = options_.stop_after > 0 ? std::min(options_.stop_after, options_.epochs) : options_.epochs;
  while (position_.epochs_done < end && !out_of_patience()) {
    if (head_only_ && position_.epochs_done == options_.freeze_epochs) {
      fmt::print(stderr, "{}\n", receipt_.verify(*session_.network));
      loop.reset();
      head_only_ = false;
      plan_training();
      fmt::print(stderr, "thawed: {}\n", freeze_line());
    }
    if (loop == nullptr) {
      if (!cache_features(stop)) break;
      loop = std::make_unique<TrainingLoop>(session_, *optimizer_, *train_loader_, settings_);
    }
    const auto start = std::chrono::steady_clock::now();
    EpochMetrics metrics;
    if (!loop->run_epoch(position_, metrics, stop) || !validate(metrics, stop)) {
      save_state(output);
      break;
    }
    metrics.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    end_epoch(metrics, output);
    if (stop()) break;
  }
  const std::string receipt = receipt_.verify(*session_.network);
  fmt::print(stderr, "{}\n", receipt);
  write_page(output, receipt);
  if (stop() && position_.epochs_done < options_.epochs) {
    fmt::print(stderr, "stopped by a signal in epoch {}; {} holds the state, continue with --resume\n",
               position_.epochs_done + 1, output.path());
    return signals.exit_code();
  }
  if (out_of_patience()) restore_best(output);
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
