#include "io/picture/transform.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "io/picture/resize.h"
#include "kernels/error.h"

namespace thaw {

namespace {

constexpr int small_size =
    64;  // up to here pictures of native size are padded and shifted instead of resized

void check_channels(const Image& image, const Preprocess& preprocess) {
  if (image.channels == preprocess.channels) return;
  throw Error("transform: a picture with " + std::to_string(image.channels) + " channels where " +
              std::to_string(preprocess.channels) + " are expected");
}

// Python's round(x / 2) of a whole number: halves go to the even neighbour.
int round_half(int twice) {
  const int low = twice / 2;
  return twice % 2 == 0 ? low : low + (low & 1);
}

// torchvision's RandomResizedCrop.get_params.
Box random_box(const Image& image, const Augment& augment, PhiloxStream& random) {
  const double area = static_cast<double>(image.width) * image.height;
  const double log_low = std::log(augment.ratio_min), log_high = std::log(augment.ratio_max);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target =
        area * (augment.scale_min + (augment.scale_max - augment.scale_min) * double{random.uniform()});
    const double ratio = std::exp(log_low + (log_high - log_low) * double{random.uniform()});
    const int width = static_cast<int>(std::lround(std::sqrt(target * ratio)));
    const int height = static_cast<int>(std::lround(std::sqrt(target / ratio)));
    if (width <= 0 || height <= 0 || width > image.width || height > image.height) continue;
    const int top = static_cast<int>(random.below(static_cast<std::uint32_t>(image.height - height + 1)));
    const int left = static_cast<int>(random.below(static_cast<std::uint32_t>(image.width - width + 1)));
    return {left, top, width, height};
  }
  int width = image.width, height = image.height;
  const double ratio = static_cast<double>(width) / height;
  if (ratio < augment.ratio_min) height = static_cast<int>(std::lround(width / augment.ratio_min));
  if (ratio > augment.ratio_max) width = static_cast<int>(std::lround(height * augment.ratio_max));
  width = std::clamp(width, 1, image.width);
  height = std::clamp(height, 1, image.height);
  return {(image.width - width) / 2, (image.height - height) / 2, width, height};
}

// The picture moved by (dx, dy) pixels; what comes in from outside is 0.
void shift(const Image& image, int dx, int dy, std::uint8_t* out) {
  const int size = image.width, channels = image.channels;
  const std::size_t stride = static_cast<std::size_t>(size) * channels;
  std::memset(out, 0, stride * size);
  const int kept = size - std::abs(dx);
  if (kept <= 0) return;
  for (int y = std::max(0, dy); y < std::min(size, size + dy); ++y) {
    const std::uint8_t* from = image.pixels.data() + static_cast<std::size_t>(y - dy) * stride +
                               static_cast<std::size_t>(std::max(0, -dx)) * channels;
    std::memcpy(
        out + static_cast<std::size_t>(y) * stride + static_cast<std::size_t>(std::max(0, dx)) * channels,
        from, static_cast<std::size_t>(kept) * channels);
  }
}

}  // namespace

int Preprocess::resize_size() const {
  return static_cast<int>(std::lround(input_size / crop_pct));
}

void Preprocess::validate() const {
  const auto fail = [](const std::string& what) { throw Error("preprocessing: " + what); };
  if (input_size < 1 || input_size > 4096)
    fail("input size " + std::to_string(input_size) + " is not in 1..4096");
  if (!(crop_pct >= 0.1 && crop_pct <= 1)) fail("crop_pct " + std::to_string(crop_pct) + " is not in 0.1..1");
  if (channels != 1 && channels != 3) fail("channels must be 1 or 3, not " + std::to_string(channels));
  if (mean.size() != static_cast<std::size_t>(channels) || std.size() != static_cast<std::size_t>(channels)) {
    fail("mean and std need one number per channel (" + std::to_string(channels) + "), not " +
         std::to_string(mean.size()) + " and " + std::to_string(std.size()));
  }
  for (const float value : mean) {
    if (!std::isfinite(value)) fail("mean must be finite");
  }
  for (const float value : std) {
    if (!(std::isfinite(value) && value > 0)) fail("std must be positive");
  }
}

void transform_eval(const Image& image, const Preprocess& preprocess, std::uint8_t* out) {
  check_channels(image, preprocess);
  const int size = preprocess.input_size, shorter = preprocess.resize_size();
  const bool wide = image.width >= image.height;
  const std::int64_t small = wide ? image.height : image.width, large = wide ? image.width : image.height;
  const int longer = static_cast<int>(std::int64_t{shorter} * large / small);
  const int width = wide ? longer : shorter, height = wide ? shorter : longer;
  const Box window{round_half(width - size), round_half(height - size), size, size};
  resize_into(image, {0, 0, image.width, image.height}, width, height, window, out);
}

bool transform_train(const Image& image, const Preprocess& preprocess, const Augment& augment,
                     PhiloxStream& random, std::uint8_t* out) {
  check_channels(image, preprocess);
  const int size = preprocess.input_size;
  if (size <= small_size && image.width == size && image.height == size) {
    const auto range = static_cast<std::uint32_t>(2 * augment.padding + 1);
    const int dy = augment.padding - static_cast<int>(random.below(range));
    const int dx = augment.padding - static_cast<int>(random.below(range));
    shift(image, dx, dy, out);
  } else {
    resize_into(image, random_box(image, augment, random), size, size, {0, 0, size, size}, out);
  }
  return double{random.uniform()} < augment.flip;
}

}  // namespace thaw
