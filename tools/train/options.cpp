#include "tools/train/options.h"

#include <cstdlib>

#include "optim/optimizer.h"
#include "tools/program/frame.h"
#include "tools/program/values.h"

namespace thaw {

double TrainOptions::base_lr() const {
  if (lr > 0) return lr;
  if (const double usual = optimizer_kind(opt).lr; usual > 0) return usual;
  // Rates in proportion to the batch: Goyal et al. 2017. With weights: docs/experiments.md has the table.
  return model.weights.empty() ? 0.1 * data.batch_size / 256.0 : 0.05 * data.batch_size / 64.0;
}

std::string TrainOptions::freeze_spec() const {
  return freeze.empty() ? "none" : freeze;
}

BatchNormPolicy batch_norm_policy(const std::string& name) {
  if (name == "frozen") return BatchNormPolicy::frozen;
  return name == "train" ? BatchNormPolicy::train : BatchNormPolicy::automatic;
}

void add_train_options(CLI::App& app, TrainOptions& o) {
  add_data_options(app, o.data);
  add_model_options(app, o.model);
  app.add_option("--output", o.output,
                 "folder for best.safetensors, last.safetensors, train_state.safetensors, metrics.jsonl, "
                 "metrics.csv and report.html")
      ->type_name("DIR")
      ->default_str("");
  begin_group(app, "Freezing");
  app.add_option(
         "--freeze", o.freeze,
         "what stays as it is: NAME[a:b], upto:NAME, none, backbone, globs; comma-separated (default: none)")
      ->type_name("SPEC")
      ->default_str("");
  app.add_option("--freeze-epochs", o.freeze_epochs,
                 "epochs at the start that train the head only; then the plan of --freeze begins")
      ->check(between(0, 1000000));
  app.add_option("--bn", o.bn,
                 "which BatchNorm layers use the batch: auto: trainable ones, frozen: none, train: all")
      ->check(one_of({"auto", "frozen", "train"}));
  begin_group(app, "Training");
  app.add_option("--epochs", o.epochs, "length of the run")->check(between(1, 1000000));
  app.add_option("--stop-after", o.stop_after,
                 "stop when this many epochs are done; the schedule stays that of --epochs")
      ->check(between(1, 1000000))
      ->default_str("");
  app.add_option_function<std::string>(
         "--lr",
         [&o](const std::string& text) {
           o.lr_find = text == "find";
           o.lr = o.lr_find ? 0 : std::strtod(text.c_str(), nullptr);
         },
         "learning rate; find: a range test of up to 100 steps chooses it (default: sgd: 0.05 * batch "
         "size / 64 with --weights, else 0.1 * batch size / 256; adamw: 0.001)")
      ->type_name("TEXT:X|find")
      ->check(above_zero_or("find"))
      ->default_str("");
  app.add_option("--backbone-lr-mult", o.backbone_lr_mult, "learning rate of all but the head, times --lr")
      ->check(zero_or_more());
  std::vector<std::string> optimizers;
  for (const OptimizerKind& kind : optimizer_kinds()) optimizers.emplace_back(kind.name);
  app.add_option("--opt", o.opt, "optimizer")->check(one_of(std::move(optimizers)));
  app.add_option("--momentum", o.momentum, "of sgd")->check(between(0.0, 0.9999));
  app.add_option("--wd", o.wd, "weight decay; biases and BatchNorm have none")->check(zero_or_more());
  app.add_option("--clip-grad", o.clip_grad, "largest norm of the gradient; 0: no limit")
      ->check(zero_or_more());
  app.add_option("--sched", o.sched, "schedule of the learning rate")
      ->check(one_of({"cosine", "step", "constant", "plateau"}));
  app.add_option("--warmup-epochs", o.warmup_epochs, "epochs in which the learning rate rises")
      ->check(between(0, 1000000));
  app.add_option("--lr-step-size", o.lr_step_size, "step: epochs between falls")->check(between(1, 1000000));
  app.add_option("--lr-gamma", o.lr_gamma, "step, plateau: factor of a fall")->check(between(0.0, 1.0));
  app.add_option("--plateau-patience", o.plateau_patience,
                 "plateau: epochs without a better validation loss that do not yet make the rate fall")
      ->check(between(0, 1000000));
  app.add_option(
         "--patience", o.patience,
         "stop after this many epochs without a better one (validation accuracy, with a balanced sampler or "
         "class weights balanced accuracy; where equal, loss) and "
         "restore the best; 0: never")
      ->check(between(0, 1000000));
  app.add_option("--label-smoothing", o.label_smoothing, "share of the target spread over all classes")
      ->check(between(0.0, 1.0));
  app.add_option("--class-weights", o.class_weights, "balanced: rare classes weigh more")
      ->check(one_of({"none", "balanced"}));
  begin_group(app, "Data and chance");
  app.add_option(
         "--val-split", o.val_split,
         "share that is kept for validation of DIR/CLASS/*, of DIR/train without a DIR/val, or of a CSV "
         "file without a column split")
      ->check(between(0.0, 0.99));
  app.add_option("--split-seed", o.split_seed, "of --val-split (default: --seed)")->default_str("");
  app.add_option(
         "--split-by", o.split_by,
         "of --val-split: pictures in whose paths this regular expression finds the same (its first group) "
         "stay on one side, e.g. '/(patient[0-9]+)'")
      ->type_name("REGEX")
      ->default_str("");
  app.add_option("--sampler", o.sampler,
                 "the pictures of an epoch; shuffle: each once; balanced: of every class the same number")
      ->check(one_of({"shuffle", "balanced"}));
  app.add_option("--seed", o.seed, "of weights, order, augmentation and split");
  app.add_flag("--no-aug", o.no_aug,
               "train on the pictures as evaluation sees them: no random crops and flips");
  app.add_flag(
      "--cache-features", o.cache_features,
      "run the frozen first stages once per picture and keep their output in memory; needs --no-aug");
  begin_group(app);
  app.add_flag("--tensorboard", o.tensorboard,
               "also write the epochs' figures for TensorBoard, in OUTPUT/tensorboard");
  app.add_flag("--resume", o.resume, "continue the run in --output");
  app.add_flag("--dry-run", o.dry_run, "say what would be done and stop");
}

void check_train_options(const TrainOptions& o) {
  if (o.data.data.empty()) throw UsageError("--data DIR is required; see --help");
  if (o.output.empty() && !o.dry_run) throw UsageError("--output DIR is required; see --help");
  if (o.model.model.empty() && o.model.weights.empty())
    throw UsageError("--model NAME is required; see --help");
  if (!o.model.model.empty()) check_model_name(o.model.model);
  if (!o.model.ignore.empty() && o.model.weights.empty())
    throw UsageError("--ignore: it leaves out tensors of --weights FILE, which is not given; leave it out");
  if (o.warmup_epochs >= o.epochs && o.warmup_epochs > 0)
    throw UsageError("--warmup-epochs must be smaller than --epochs");
  if (o.freeze_epochs >= o.epochs && o.freeze_epochs > 0)
    throw UsageError(
        "--freeze-epochs must be smaller than --epochs; to train only the head, use --freeze "
        "backbone");
  if (o.sampler == "balanced" && o.class_weights == "balanced")
    throw UsageError(
        "--sampler balanced and --class-weights balanced would raise rare classes twice; leave one out");
  if (o.cache_features && !o.no_aug)
    throw UsageError(
        "--cache-features needs --no-aug: with random crops and flips each epoch has other pictures, so kept "
        "features would not be theirs");
}

}  // namespace thaw
