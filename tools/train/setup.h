// What a run starts from: its pictures, its network, what is frozen, and how it trains.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/freeze/receipt.h"
#include "tools/network/image_input.h"
#include "tools/network/session.h"
#include "tools/train/given_options.h"
#include "tools/train/loop.h"

namespace thaw {

// How train splits its pictures. The default share is for folders without train/; where it was given, the scan notes that
// it is not used beside train/ and val/.
ScanOptions scan_options(const TrainOptions& options, bool split_given);

struct TrainingSetup {
  // Reads data and weights and builds the network; as `state` has it unless that is null. Throws UsageError or
  // Error, also where an option needs validation pictures and there are none.
  TrainingSetup(const TrainOptions& options, const GivenOptions& given, const TrainState* state);

  // Freezes by the plan (`head_only`: all but the head) and plans session and optimizer for the step after
  // `step` others. Answers the receipt of what is frozen.
  FreezeReceipt plan(bool head_only, std::uint64_t step);
  std::string freeze_line(bool head_only) const;  // what the plan freezes, for people
  std::string data_line() const;                  // how many pictures of how many classes
  bool validates() const { return !splits.val.samples.empty(); }
  LoaderOptions loading() const;           // as evaluation sees the pictures
  LoaderOptions training_loading() const;  // as training does
  void new_optimizer();                    // one that has made no step; plan it
  void set_rate(double lr);                // in place of --lr
  ImageInput image_input() const;

  TrainOptions options;
  DatasetSplits splits;
  std::vector<FeatureScale> features;
  std::string fingerprint;   // of the pictures, with those that were left out
  std::string bad_pictures;  // CheckedData::bad
  Session session;
  std::unique_ptr<Optimizer> optimizer;
  TrainingSettings settings;

 private:
  void read_data(bool split_given, const TrainState* state);
  void build_network(const TrainState* state);
  void set_up_training();
  void check_freezing();
  void freeze(bool head_only);
};

}  // namespace thaw
