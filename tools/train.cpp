// train: fine-tunes a network on a folder of pictures.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "tools/program/frame.h"
#include "tools/program/messages.h"
#include "tools/train/run.h"

namespace {

using namespace thaw;

int train(const CLI::App& app, TrainOptions options) {
  GivenOptions given = given_options(app);
  std::unique_ptr<TrainState> state;
  std::unique_ptr<OutputDirectory> output;
  if (options.resume) {
    if (options.output.empty())
      throw UsageError("--resume needs the --output DIR of the run to continue; see --help");
    output = std::make_unique<OutputDirectory>(options.output, true);
    state = std::make_unique<TrainState>(read_train_state(output->file("train_state.safetensors")));
    options = resumed_options(state->options, given, options);
    given = state->options;
  }
  check_train_options(options);
  if (output == nullptr && options.dry_run && !options.output.empty())
    OutputDirectory::check_usable(options.output, false);
  if (output == nullptr && !options.dry_run)
    output = std::make_unique<OutputDirectory>(options.output, false);

  TrainingRun run(options, given, state.get());
  say("{}{}", scale_warning(options.model), run.summary());
  if (state != nullptr) {
    const int done = static_cast<int>(run.epochs().size());
    say("resume: {} of {} epochs are done{}\n", done, options.epochs,
        done < options.epochs
            ? fmt::format(", going on in epoch {}", done + 1)
            : fmt::format("; nothing is left to do: to train longer, start a new run from --weights "
                          "{}/last.safetensors",
                          options.output));
  }
  if (options.dry_run) {
    fmt::print("{}", plan_text(run.stage_plan()));
    return exit_done;
  }
  return run.run(*output);
}

}  // namespace

int main(int argc, char** argv) {
  const auto app = make_app("Fine-tunes a network on a folder of pictures.", "train",
                            "train --data pictures --model resnet18 --weights resnet18.pth --output run");
  TrainOptions options;
  add_train_options(*app, options);
  return run_program(*app, argc, argv, [&] { return train(*app, options); });
}
