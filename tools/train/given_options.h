// What a run was started with, as it is kept in train_state, and how a resumed run finds its options again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/train/options.h"

namespace thaw {

// Values by long option name. Without what may differ between the parts of one run: --output, --resume, --stop-after,
// --dry-run, --config.
using GivenOptions = std::map<std::string, std::vector<std::string>>;

// What the user gave on the command line and in the config file.
GivenOptions given_options(const CLI::App& app);

// What of `options` is not the default: the command line that means the same.
GivenOptions given_options(const TrainOptions& options);

// The options that `given` means. Throws UsageError where train takes no such option or value.
TrainOptions parsed_options(const GivenOptions& given);

// Whether an option may be another one in a later part of the same run: data, workers, threads, device, cudnn-benchmark,
// tensorboard.
bool may_change(const std::string& option);

// The options of a run to be continued: those it was started with (`stored`), and of `now` what may change.
// `current` gives output, resume, stop-after and dry-run. Throws UsageError when `now` holds an option that
// may not change and differs.
TrainOptions resumed_options(const GivenOptions& stored, const GivenOptions& now,
                             const TrainOptions& current);

// A word as a shell takes it.
std::string shell_quoted(const std::string& word);
// " --model resnet18 --lr 0.1": the options as they would be typed.
std::string command_line(const GivenOptions& given);

}  // namespace thaw
