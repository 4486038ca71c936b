// The options of train, and how a resumed run finds its own again.
#pragma once

#include <optional>
#include <string>

#include "layers/module.h"
#include "tools/network/data_options.h"
#include "tools/network/model_options.h"
#include "tools/program/usage_error.h"

namespace CLI {
class App;  // of CLI11, which those who only fill the struct need not have
}

namespace thaw {

struct TrainOptions {
  ModelOptions model;
  DataOptions data;
  std::string freeze;  // empty: "none"
  int freeze_epochs = 0;
  std::string bn = "auto";
  int epochs = 10;
  int stop_after = 0;    // 0: not
  double lr = 0;         // 0: as base_lr says
  bool lr_find = false;  // a range test chooses lr
  double backbone_lr_mult = 1;
  std::string opt = "sgd";
  double momentum = 0.9, wd = 1e-4;
  double clip_grad = 0;  // 0: no clipping
  std::string sched = "cosine";
  int warmup_epochs = 0;
  int lr_step_size = 30;
  double lr_gamma = 0.1;
  int plateau_patience = 3;
  int patience = 0;  // 0: no early stop
  double label_smoothing = 0;
  std::string class_weights = "none";
  double val_split = 0.2;
  std::optional<std::uint64_t> split_seed{};  // none: seed
  std::string split_by{};
  std::string sampler = "shuffle";
  std::uint64_t seed = 42;
  bool no_aug = false, cache_features = false;
  bool tensorboard = false;
  bool resume = false, dry_run = false;
  std::string output;

  // lr; if that is 0: AdamW 1e-3; SGD with weights 0.05 * batch size / 64, else 0.1 * batch size / 256.
  double base_lr() const;
  std::string freeze_spec() const;
  // Whether rare classes were asked to count as much as others: then balanced accuracy says which epoch is best.
  bool balanced() const { return sampler == "balanced" || class_weights == "balanced"; }
};

// What --bn auto, frozen or train means.
BatchNormPolicy batch_norm_policy(const std::string& name);

void add_train_options(CLI::App& app, TrainOptions& options);

// Throws UsageError where options are missing or do not go together.
void check_train_options(const TrainOptions& options);

}  // namespace thaw
