// fine_tune DATA WEIGHTS OUTPUT: thaws the last stage of a ResNet-20 and trains it on DATA/CLASS/* pictures.
#include <cstdio>
#include <exception>

#include "io/data/loader.h"
#include "io/weights/safetensors.h"
#include "io/weights/weights.h"
#include "layers/losses.h"
#include "models/freeze/plan.h"
#include "models/freeze/receipt.h"
#include "models/registry.h"
#include "models/weights/load.h"
#include "optim/optimizer.h"

int main(int argc, char** argv) try {
  using namespace thaw;
  check(argc == 4, "usage: fine_tune DATA WEIGHTS OUTPUT");
  auto backend = make_backend("auto");
  const Dataset data = scan_class_folders(argv[1]).train;
  const auto classes = static_cast<std::int64_t>(data.classes.size());

  auto network = make_network("resnet20", {.num_classes = classes});
  const LoadReport report = load_weights(*network, read_weights(argv[2]).tensors, {.replace_head = true});
  std::printf("%s\n", report.text().c_str());
  apply_freeze_plan(*network, "upto:layer2");
  network->to(*backend);
  ParameterArenas arenas(*backend, network->parameters(), DType::f32);
  const FreezeReceipt receipt(*network);

  auto optimizer = make_optimizer("sgd", {.momentum = 0.9f, .weight_decay = 1e-4f});
  optimizer->plan(arenas);
  StepControl control(*backend);
  const InputDefaults& input = network->input();
  const Tensor mean = from_contiguous(input.mean, {3}).to(*backend),
               std = from_contiguous(input.std, {3}).to(*backend);
  Loader loader(data, {.input_size = 32, .crop_pct = 1.0},
                {.batch_size = 32, .train = true, .shuffle = true, .merge_last_single = true});

  StepState state{.lr = 0.02f};
  Batch batch;
  for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
    double sum = 0;
    for (loader.start_epoch(epoch); loader.next(batch); ++state.step) {
      control.begin(state);
      const Tensor pixels = batch.images.to(*backend), x = Tensor::empty(*backend, {batch.size(), 3, 32, 32});
      (*backend)(NormalizeU8{.x = pixels.as<std::uint8_t>(),
                             .channels = 3,
                             .mean = mean.as<float>(),
                             .std = std.as<float>(),
                             .y = x.view()});
      const Variable logits = network->forward(Variable(x), Mode::train(control.device()));
      const float count = label_normalizer(batch.labels, {});
      const Tensor normalizer = from_contiguous({&count, 1}, {1}).to(*backend);
      const Loss loss =
          softmax_cross_entropy(logits, label_targets(batch.labels, classes, 0, {}).to(*backend), normalizer);
      arenas.clear_gradients();
      backward(loss.loss);
      arenas.complete_gradients();
      optimizer->step(control);
      arenas.values_changed();
      sum += static_cast<double>(to_contiguous(loss.loss.value())[0]) * static_cast<double>(batch.size());
    }
    std::printf("epoch %u: loss %.4f\n", epoch + 1, sum / static_cast<double>(loader.samples()));
  }
  std::printf("%s\n", receipt.verify(*network).c_str());
  write_safetensors(argv[3], network->state_dict());
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
