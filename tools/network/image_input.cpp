#include "tools/network/image_input.h"

#include <algorithm>

namespace thaw {

ImageInput::ImageInput(Backend& backend, const Preprocess& preprocess, DType activations)
    : backend_(&backend), activations_(activations) {
  const auto channels = static_cast<std::int64_t>(preprocess.channels);
  mean_ = from_contiguous(preprocess.mean, {channels}).to(backend);
  std_ = from_contiguous(preprocess.std, {channels}).to(backend);
}

Variable ImageInput::operator()(const Tensor& images, std::span<const std::uint8_t> flips) const {
  const Shape& shape = images.shape();
  if (!flips.empty() && static_cast<std::int64_t>(flips.size()) != shape[0])
    throw Error("image input: " + std::to_string(flips.size()) + " flips for " + std::to_string(shape[0]) +
                " pictures; give one for each, or none");
  const Tensor bytes = images.to(*backend_);
  Tensor mirror;
  if (std::any_of(flips.begin(), flips.end(), [](std::uint8_t f) { return f != 0; })) {
    mirror = Tensor::empty(*backend_, {shape[0]}, DType::u8);
    backend_->upload(mirror.data(), flips.data(), flips.size());
  }
  return normalized(bytes, mirror.defined() ? mirror.as<std::uint8_t>() : nullptr);
}

Variable ImageInput::normalized(const Tensor& images, const std::uint8_t* flips) const {
  Tensor x = Tensor::empty(*backend_, images.shape(), activations_);
  (*backend_)(NormalizeU8{.x = images.as<std::uint8_t>(),
                          .channels = images.shape()[1],
                          .mean = mean_.as<float>(),
                          .std = std_.as<float>(),
                          .flip = flips,
                          .y = x.view()});
  return Variable(std::move(x));
}

}  // namespace thaw
