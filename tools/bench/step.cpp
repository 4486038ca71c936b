#include "tools/bench/step.h"

#include <cmath>
#include <functional>
#include <memory>

#include "kernels/philox.h"
#include "layers/losses.h"
#include "models/freeze/plan.h"
#include "models/registry.h"
#include "models/weights/initialize.h"
#include "optim/optimizer.h"
#include "tools/bench/limits.h"
#include "tools/network/image_input.h"
#include "tools/network/model_description.h"

namespace thaw::bench {
namespace {

// u8 [N,H,W,C], where the device fetches them without a copy by the host.
std::shared_ptr<void> random_pictures(Backend& backend, std::size_t bytes) {
  std::shared_ptr<void> pictures = backend.upload_source(bytes);
  PhiloxStream stream(1, Purpose::test, 0, 0);
  for (std::size_t i = 0; i < bytes; ++i)
    static_cast<std::uint8_t*>(pictures.get())[i] = static_cast<std::uint8_t>(stream.bits());
  return pictures;
}

}  // namespace

StepTimes time_steps(Backend& backend, const StepOptions& options, const StepAnswer& answer) {
  if (options.task != "both" && options.task != "train" && options.task != "inference")
    throw Error("bench: --step has no '" + options.task + "'; --only is train or inference");
  const auto network = make_network(options.model, options.network);
  initialize(*network, 1);
  apply_freeze_plan(*network, options.freeze);
  set_dense_form(*network, options.dense_form);
  network->to(backend);
  ParameterArenas arenas(backend, network->parameters(), options.type);
  const auto optimizer = make_optimizer("sgd", {.weight_decay = 1e-4f});
  optimizer->plan(arenas);
  StepControl control(backend);

  const Shape shape{options.batch, network->in_channels(), options.input_size, options.input_size};
  const auto bytes = static_cast<std::size_t>(shape.elements());
  const std::shared_ptr<void> pictures = random_pictures(backend, bytes);
  const ImageInput input(backend, default_preprocess(*network), options.type);
  const std::int64_t logits = network->num_classes();
  const bool binary = logits == 1;
  std::vector<int> labels(static_cast<std::size_t>(options.batch));
  for (std::size_t i = 0; i < labels.size(); ++i)
    labels[i] = static_cast<int>(i % static_cast<std::size_t>(binary ? 2 : logits));
  const Tensor targets =
      (binary ? binary_targets(labels, 0.0f) : label_targets(labels, logits, 0.0f, {})).to(backend);
  const float count = label_normalizer(labels, {});
  const Tensor normalizer = from_contiguous({&count, 1}, {1}).to(backend);

  const Tensor one = from_contiguous(std::vector{1.0f}, {1}).to(backend);
  StepState state;
  state.lr = 1e-3f;
  StepTimes times;
  backend.reset_peak();
  Tensor images = Tensor::empty(backend, shape, DType::u8);
  const auto train = [&] {
    arenas.clear_gradients();
    const Variable y = network->forward(input.normalized(images, nullptr), Mode::train(control.device()));
    const Loss loss = binary ? binary_cross_entropy_with_logits(y, targets, {}, normalizer)
                             : softmax_cross_entropy(y, targets, normalizer);
    backward(loss.loss, one);
    optimizer->step(control);
  };
  std::unique_ptr<Recording> recording;
  const auto step = [&](const std::function<void()>& queue) {
    backend.upload(images.data(), pictures.get(), bytes);
    control.begin(state);
    ++state.step;
    queue();
    arenas.values_changed();
    if (control.read().skip != 0) throw Error("bench: the gradient of " + options.model + " is not finite");
  };
  if (options.task != "inference") {
    step(train);  // builds what is kept, which a recording cannot
    step([&] { recording = backend.record(train); });
    times.train_seconds = median_seconds(options.repeats, [&] { step([&] { recording->replay(); }); });
    recording.reset();
    times.train_peak_bytes = backend.peak_bytes();
    if (answer) answer("train", times.train_seconds, times.train_peak_bytes);
  }
  if (options.task == "train") return times;
  backend.reset_peak();
  times.inference_seconds = median_seconds(options.repeats, [&] {
    backend.upload(images.data(), pictures.get(), bytes);
    const Variable y = network->forward(input.normalized(images, nullptr), Mode::eval());
    backend.synchronize();
  });
  times.inference_peak_bytes = backend.peak_bytes();
  if (answer) answer("inference", times.inference_seconds, times.inference_peak_bytes);
  return times;
}

}  // namespace thaw::bench
