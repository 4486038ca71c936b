#include "tools/bench/dense.h"

#include "kernels/philox.h"
#include "models/weights/initialize.h"
#include "tools/bench/limits.h"

namespace thaw::bench {
namespace {

Tensor random_activations(Backend& backend, const Shape& shape, DType type) {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  PhiloxStream stream(1, Purpose::test, 0, 0);
  for (float& value : values) value = philox_uniform(stream.bits()) - 0.5f;
  const Tensor f32 = from_contiguous(values, shape).to(backend);
  Tensor result = Tensor::empty(backend, shape, type);
  backend(Copy{.x = f32.view(), .y = result.view()});
  return result;
}

}  // namespace

DenseTimes time_dense_block(Backend& backend, const DenseOptions& options, DenseForm form) {
  DenseBlock block(options.in, options.growth, options.layers, 4);
  block.name_all();
  block.form = form;
  initialize(block, 1);
  block.to(backend);
  ParameterArenas arenas(backend, block.parameters(), options.type);
  const Tensor x =
      random_activations(backend, {options.batch, options.in, options.size, options.size}, options.type);
  const Tensor gradient =
      random_activations(backend, {options.batch, block.out(), options.size, options.size}, options.type);
  backend.reset_peak();
  DenseTimes times;
  times.seconds = median_seconds(options.repeats, [&] {
    arenas.clear_gradients();
    backward(block.forward(Variable(x, true), Mode::train()), gradient);
    backend.synchronize();
  });
  times.peak_bytes = backend.peak_bytes();
  return times;
}

}  // namespace thaw::bench
