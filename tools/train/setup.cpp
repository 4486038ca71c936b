#include "tools/train/setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "layers/batch_norm.h"
#include "models/freeze/plan.h"
#include "models/registry.h"
#include "models/weights/head.h"
#include "models/weights/initialize.h"
#include "models/weights/input_channels.h"
#include "models/weights/load.h"
#include "tools/network/check_data.h"
#include "tools/network/open_network.h"
#include "tools/program/frame.h"

namespace thaw {
namespace {

constexpr std::size_t picture_cache_bytes = std::size_t{256} << 20;

}  // namespace

ScanOptions scan_options(const TrainOptions& options, bool split_given) {
  ScanOptions scan;
  scan.val_split = !split_given && has_validation_folder(options.data.data) ? 0 : options.val_split;
  scan.split_by = options.split_by;
  scan.seed = options.split_seed.value_or(options.seed);
  return scan;
}

TrainingSetup::TrainingSetup(const TrainOptions& options_, const GivenOptions& given, const TrainState* state)
    : options(options_) {
  read_data(given.count("val-split") != 0, state);
  open_device(options.model, session);
  build_network(state);
  set_up_training();
}

void TrainingSetup::read_data(bool split_given, const TrainState* state) {
  ScanOptions scan = scan_options(options, split_given);
  if (state != nullptr) scan.classes = state->description.classes;
  if (state != nullptr) {
    scan.features.emplace();
    for (const FeatureScale& f : state->description.features) scan.features->push_back(f.name);
  }
  splits = scan_data(options.data.data, scan);
  if (split_given && !splits.flat && std::filesystem::is_regular_file(options.data.data))
    splits.notes.push_back("--val-split is not used: there is a column split");
  if (!split_given && !splits.flat && splits.split_off)
    splits.notes.push_back(
        fmt::format("there is no val/: a share of {:g} of train/ is kept for validation (--val-split)",
                    options.val_split));
  if (splits.train.classes.size() < 2)
    throw Error(options.data.data + ": has one class only (" + splits.train.classes.front() +
                "); training needs two or more");
  if (splits.train.samples.size() < 2) throw Error(options.data.data + ": has one training picture only");
  fingerprint = thaw::fingerprint(splits.train) + thaw::fingerprint(splits.val);
  if (state != nullptr && state->fingerprint != fingerprint)
    throw Error(options.data.data +
                ": holds other pictures than when the run was started; put them back, or start a new run in "
                "another --output");
  CheckedData checked = check_training_data(splits.train, splits.val, options.data);
  bad_pictures = std::move(checked.bad);
  splits.notes.insert(splits.notes.end(), checked.notes.begin(), checked.notes.end());
  const std::vector<std::int64_t> counts = splits.train.class_counts();
  const auto [rarest, commonest] = std::minmax_element(counts.begin(), counts.end());
  if (*commonest > 10 * *rarest && !options.balanced())
    splits.notes.push_back(
        "consider --sampler balanced or --class-weights balanced: both raise the rare classes");
  features = state != nullptr ? state->description.features : feature_scales(splits.train);
  for (Dataset* dataset : {&splits.train, &splits.val}) standardise(*dataset, features);
}

void TrainingSetup::build_network(const TrainState* state) {
  ModelDescription& d = session.description;
  const ModelOptions& o = options.model;
  if (state != nullptr) {
    d = state->description;
    session.network = make_network(d.model, d.options);
    LoadOptions load;
    load.source = "the training state";
    load_weights(*session.network, state->model, load);
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
    d.run.clear();
  } else if (o.model.empty()) {
    throw UsageError("--model NAME is required; see --help");
  }
  if (!file.described || o.in_channels != 0)
    d.options.in_channels = o.in_channels != 0 ? o.in_channels : network_facts(d.model).in_channels;
  d.options.views = splits.train.views;
  d.features = features;
  d.options.features = static_cast<std::int64_t>(features.size());
  d.classes = splits.train.classes;
  d.options.num_classes = static_cast<std::int64_t>(d.classes.size());
  d.val_split = splits.split_off ? options.val_split : 0;
  d.split_seed = splits.split_off ? options.split_seed.value_or(options.seed) : 0;
  d.split_by = splits.split_off ? options.split_by : "";
  d.split_of = splits.split_off ? fingerprint : "";
  session.network = make_network(d.model, d.options);
  if (!file.described || d.preprocess.channels != d.options.in_channels) {
    const Preprocess defaults = default_preprocess(*session.network);
    if (!file.described) d.preprocess = defaults;
    d.preprocess.channels = defaults.channels;
    d.preprocess.mean = defaults.mean;
    d.preprocess.std = defaults.std;
  }
  override_preprocess(o, *session.network, d.preprocess);
  initialize(*session.network, options.seed);
  if (o.weights.empty()) return;
  LoadOptions load;
  load.replace_head = true;
  load.seed = options.seed;
  load.source = o.weights;
  const std::string adapted = adapt_input_channels(*session.network, file.tensors);
  const LoadReport report = load_weights(*session.network, file.tensors, load);
  session.notes = std::move(file.notes);
  if (!adapted.empty()) session.notes.push_back(adapted);
  session.notes.push_back(report.text());
  const std::vector<std::string>& known = file.description.classes;
  if (report.replaced.empty() && !known.empty() && known != d.classes) {
    replace_head(*session.network, session.network->num_classes(), options.seed);
    session.notes.push_back("the head is initialised anew: the file's classes are others");
  } else if (report.replaced.empty() && known.empty()) {
    session.notes.push_back("the head is kept: the file has as many classes, and does not say which");
  }
}

void TrainingSetup::freeze(bool head_only) {
  Network& network = *session.network;
  try {
    apply_freeze_plan(network, options.freeze_spec());
    if (head_only)
      for (Module* m : modules_to_freeze(network, "backbone")) m->freeze();
  } catch (const Error& e) {
    throw UsageError(e.what());
  }
}

// What a plan leaves to train must show before the first epoch, not at the thawing.
void TrainingSetup::check_freezing() {
  std::int64_t trained[2] = {0, 0};
  for (const bool head_only : {false, true}) {
    freeze(head_only);
    for (const Parameter* p : session.network->parameters()) trained[head_only] += p->frozen ? 0 : 1;
  }
  if (options.model.weights.empty() && trained[0] < std::int64_t(session.network->parameters().size()))
    session.notes.push_back("--freeze keeps random values as they are: there are no --weights");
  if (trained[0] == 0 || (options.freeze_epochs > 0 && trained[1] == 0))
    throw UsageError(fmt::format("--freeze {}: freezes all of {}, nothing is left to train",
                                 options.freeze_spec(), session.network->name()));
  if (options.freeze_epochs > 0 && trained[0] == trained[1])
    throw UsageError(
        "--freeze-epochs: --freeze " + options.freeze_spec() +
        " leaves nothing but the head to thaw; choose another --freeze, or leave one of them out");
}

void TrainingSetup::set_up_training() {
  Network& network = *session.network;
  set_batch_norm_policy(network, batch_norm_policy(options.bn));
  const Linear& head = network.head();
  for (Parameter* p : network.parameters())
    if (p != &head.weight && p != &head.bias) p->lr_scale = static_cast<float>(options.backbone_lr_mult);
  check_freezing();

  new_optimizer();
  settings.schedule.kind = schedule_kind(options.sched);
  settings.schedule.lr = options.base_lr();
  settings.schedule.total = options.epochs;
  settings.schedule.warmup = options.warmup_epochs;
  settings.schedule.step_size = options.lr_step_size;
  settings.schedule.gamma = options.lr_gamma;
  settings.label_smoothing = static_cast<float>(options.label_smoothing);
  if (options.class_weights == "balanced")
    settings.class_weights = balanced_weights(splits.train.class_counts());
  settings.max_norm = static_cast<float>(options.clip_grad);
  settings.seed = options.seed;
  settings.epochs = options.epochs;

  const bool plateau = settings.schedule.kind == ScheduleKind::plateau;
  if (splits.val.samples.empty() && (plateau || options.patience > 0))
    throw UsageError(std::string(plateau ? "--sched plateau" : "--patience") + ": " + options.data.data +
                     " has no validation pictures to go by; give it val/ or use --val-split");
}

void TrainingSetup::new_optimizer() {
  optimizer = make_optimizer(options.opt, {.momentum = static_cast<float>(options.momentum),
                                           .weight_decay = static_cast<float>(options.wd)});
}

void TrainingSetup::set_rate(double lr) {
  options.lr = settings.schedule.lr = lr;
}

FreezeReceipt TrainingSetup::plan(bool head_only, std::uint64_t step) {
  freeze(head_only);
  session.plan();
  optimizer->plan(session.arenas, step);
  return FreezeReceipt(*session.network);
}

std::string TrainingSetup::freeze_line(bool head_only) const {
  const Linear& head = session.network->head();
  std::int64_t trained = 0, all = 0;
  std::size_t frozen = 0, tensors = 0;
  for (const Parameter* p : session.network->parameters()) {
    const bool rests = p->frozen || (head_only && p != &head.weight && p != &head.bias);
    frozen += rests;
    ++tensors;
    all += p->value.elements();
    trained += rests ? 0 : p->value.elements();
  }
  return fmt::format("freeze {}: {} of {} parameter tensors frozen, {} of {} parameters are trained; --bn {}",
                     head_only ? "backbone" : options.freeze_spec(), frozen, tensors, trained, all,
                     options.bn);
}

std::string TrainingSetup::data_line() const {
  const bool cases = splits.train.views > 1 || !features.empty();
  return fmt::format("{} training and {} validation {} of {} classes", splits.train.samples.size(),
                     splits.val.samples.size(), cases ? "cases" : "pictures", splits.train.classes.size());
}

LoaderOptions TrainingSetup::loading() const {
  LoaderOptions loading;
  loading.batch_size = options.data.batch_size;
  loading.workers = options.data.workers;
  loading.cache_bytes = picture_cache_bytes;
  loading.seed = options.seed;
  return loading;
}

LoaderOptions TrainingSetup::training_loading() const {
  LoaderOptions training = loading();
  training.train = !options.no_aug;
  training.balanced = options.sampler == "balanced";
  training.shuffle = training.merge_last_single = true;
  return training;
}

ImageInput TrainingSetup::image_input() const {
  return ImageInput(*session.backend, session.description.preprocess, session.activations);
}

}  // namespace thaw
