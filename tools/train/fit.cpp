#include "tools/train/fit.h"

#include <memory>

#include "tools/program/frame.h"
#include "tools/train/run.h"

namespace thaw {

FitResult fit(const TrainOptions& options) {
  check_train_options(options);
  OutputDirectory::check_usable(options.output, options.resume);
  std::unique_ptr<TrainState> state;
  if (options.resume)
    state = std::make_unique<TrainState>(
        read_train_state(OutputDirectory(options.output).file("train_state.safetensors")));
  TrainingRun run(options, {}, state.get());
  const OutputDirectory output(options.output);
  const bool finished = run.run(output) == exit_done;
  return {run.epochs(), output.file("best.safetensors"), run.receipt(), finished};
}

}  // namespace thaw
