#include "models/weights/input_channels.h"

#include "layers/conv2d.h"

namespace thaw {

std::string adapt_input_channels(const Network& network, StateDict& weights) {
  const std::vector<Parameter*> first = network.stages().front().module->parameters();
  if (first.empty() || network.in_channels() != 1) return "";
  const std::string& name = first.front()->name;  // a convolution's weight if it is of rank 4
  const Tensor* colour = weights.find(name);
  if (colour == nullptr || colour->shape().rank() != 4 || colour->shape()[1] != 3 ||
      colour->dtype() != DType::f32)
    return "";
  Shape shape = colour->shape();
  const std::int64_t outer = shape[0], pixels = shape[2] * shape[3];
  shape[1] = 1;
  const std::vector<float> from = to_contiguous(*colour);  // [outer][3][pixels]
  std::vector<float> sum(static_cast<std::size_t>(outer * pixels));
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t p = 0; p < pixels; ++p)
      for (std::int64_t c = 0; c < 3; ++c)
        sum[static_cast<std::size_t>(o * pixels + p)] +=
            from[static_cast<std::size_t>((o * 3 + c) * pixels + p)];
  StateDict adapted;
  for (const auto& [key, tensor] : weights)
    adapted.add(key, key == name ? from_contiguous(sum, shape) : tensor);
  weights = std::move(adapted);
  return name + " summed over its 3 channels, for pictures of 1";
}

}  // namespace thaw
