#include "tools/train/find_rate.h"

#include "models/weights/load.h"
#include "tools/program/messages.h"
#include "tools/program/progress.h"
#include "tools/train/step.h"

namespace thaw {
namespace {

constexpr std::int64_t few_batches = 10;  // of which the test goes through the same ones again and again

}  // namespace

RangeTest find_learning_rate(TrainingSetup& setup, const std::function<bool()>& stop) {
  const StateDict before = setup.session.network->state_dict();
  setup.plan(false, 0);
  RangeTest test;
  std::int64_t batches = 0;
  {
    Loader loader(setup.splits.train, setup.session.description.preprocess, setup.training_loading());
    batches = loader.batches();
    TrainingStep step(
        setup.session, *setup.optimizer,
        {.label_smoothing = setup.settings.label_smoothing, .class_weights = setup.settings.class_weights});
    Progress progress("--lr find",
                      static_cast<std::int64_t>(RangeTest::steps) * loader.samples() / loader.batches());
    StepState state;
    state.seed = setup.settings.seed;
    state.max_norm = setup.settings.max_norm;
    Batch batch;
    bool more = true;
    for (std::uint32_t epoch = 0; more; ++epoch) {
      loader.start_epoch(epoch);
      while (more && loader.next(batch)) {
        state.step = test.loss.size();
        state.lr = static_cast<float>(RangeTest::rate(test.loss.size()));
        more = test.add(step.run(batch, state).loss) && !(stop && stop());
        if (!test.loss.empty()) progress.advance(batch.size(), batch.waited, test.loss.back());
      }
    }
  }
  load_weights(*setup.session.network, before, {.source = "the weights before --lr find"});
  setup.new_optimizer();
  if (stop && stop()) return test;
  if (test.choose(setup.options.base_lr()))
    say("--lr find: lr {:.3g}, a third of where the loss is least in a range test of {} steps from {:.2g} to "
        "{:.2g}{}\n",
        test.chosen, test.lr.size(), test.lr.front(), test.lr.back(),
        batches < few_batches ? fmt::format("; an epoch has only {} batch{}, so it is a rough guess", batches,
                                            batches == 1 ? "" : "es")
                              : "");
  else
    say("--lr find: the loss falls at no rate from {:.2g} to {:.2g}, so the default is taken: lr {:.3g}\n",
        RangeTest::rate(0), test.lr.empty() ? RangeTest::rate(0) : test.lr.back(), test.chosen);
  return test;
}

}  // namespace thaw
