#include "tools/train/fit.h"

#include <memory>

#include "tools/program/frame.h"
#include "tools/train/run.h"

namespace thaw {
namespace {

// As train reads them from a command line: every value is checked.
TrainOptions checked_options(const TrainOptions& options, const GivenOptions& given) {
  TrainOptions checked = parsed_options(given);
  checked.output = options.output;
  checked.stop_after = options.stop_after;
  return checked;
}

}  // namespace

FitResult fit(const TrainOptions& options) {
  if (options.dry_run) throw UsageError("fit: dry_run is of the program train; leave it false");
  if (options.output.empty()) throw UsageError("fit: output is empty; name the folder for the run");
  GivenOptions given = given_options(options);
  TrainOptions used = checked_options(options, given);
  if (!options.resume) check_train_options(used);
  const OutputDirectory output(options.output, options.resume);
  std::unique_ptr<TrainState> state;
  if (options.resume) {
    state = std::make_unique<TrainState>(read_train_state(output.file("train_state.safetensors")));
    used = resumed_options(state->options, given, options);
    given = state->options;
    check_train_options(used);
  }
  TrainingRun run(used, given, state.get());
  const bool finished = run.run(output) == exit_done;
  return {run.epochs(), output.file("best.safetensors"), run.receipt(), finished};
}

}  // namespace thaw
