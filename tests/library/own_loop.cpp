// own_loop DATA WEIGHTS OUTPUT: the same with a loop of one's own, step by step.
#include <thaw/models/freeze/plan.h>
#include <thaw/models/freeze/receipt.h>
#include <thaw/tools/network/data_options.h>
#include <thaw/tools/train/step.h>
#include <cstdio>

int main(int argc, char** argv) try {
  if (argc != 4) throw thaw::Error("usage: own_loop DATA WEIGHTS OUTPUT");
  const thaw::Dataset data = thaw::scan_data(argv[1], {}).train;
  thaw::Session model = thaw::load_model(argv[2], {.model = "resnet20"});
  thaw::replace_head(model, data.classes);
  thaw::apply_freeze_plan(*model.network, "upto:layer2");
  model.plan();
  const thaw::FreezeReceipt receipt(*model.network);

  const auto optimizer = thaw::make_optimizer("sgd", {.momentum = 0.9f, .weight_decay = 1e-4f});
  optimizer->plan(model.arenas);
  thaw::TrainingStep step(model, *optimizer, {});
  thaw::Loader loader(data, model.description.preprocess,
                      {.batch_size = 32, .train = true, .shuffle = true, .merge_last_single = true});
  thaw::StepState state{.lr = 0.02f};
  thaw::Batch batch;
  for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
    double sum = 0;
    for (loader.start_epoch(epoch); loader.next(batch); ++state.step)
      sum += double{step.run(batch, state).loss} * static_cast<double>(batch.size());
    std::printf("epoch %u: loss %.4f\n", epoch + 1, sum / static_cast<double>(loader.samples()));
  }
  thaw::save_model(model, argv[3]);
  std::printf("%s\n", receipt.verify(*model.network).c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
