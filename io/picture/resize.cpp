#include "io/picture/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/error.h"

namespace thaw {

namespace {

// Coefficients of one direction: output i is the sum of `taps` inputs from first[i] on, times weights[i *
// taps ...]. Where fewer inputs take part the other weights are 0 and first[i] is moved so that all taps lie
// in the input.
struct Filter {
  int taps = 0;
  std::vector<int> first;
  std::vector<std::int32_t> weights;
};

constexpr int precision = 22;  // bits after the point; 8 bits of pixel and a sign fit beside them
constexpr std::int32_t half = 1 << (precision - 1);

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255));
}

// The triangle filter of Pillow's Resample.c for outputs [begin, begin + count) of `out` from `in` inputs.
Filter make_filter(int in, int out, int begin, int count) {
  const double scale = static_cast<double>(in) / out;
  const double support = std::max(scale, 1.0);
  Filter filter;
  filter.taps = std::min(in, static_cast<int>(std::ceil(support)) * 2 + 1);
  filter.first.resize(static_cast<std::size_t>(count));
  filter.weights.assign(static_cast<std::size_t>(count) * filter.taps, 0);
  std::vector<double> raw(static_cast<std::size_t>(filter.taps) + 1);
  for (int i = 0; i < count; ++i) {
    const double center = (begin + i + 0.5) * scale;
    const int low = std::max(0, static_cast<int>(center - support + 0.5));
    const int high = std::min({in, static_cast<int>(center + support + 0.5), low + filter.taps});
    double total = 0;
    for (int x = low; x < high; ++x) {
      const double weight = std::max(0.0, 1.0 - std::abs((x - center + 0.5) / support));
      raw[static_cast<std::size_t>(x - low)] = weight;
      total += weight;
    }
    const int first = std::min(low, in - filter.taps);
    filter.first[i] = first;
    std::int32_t* weights = filter.weights.data() + static_cast<std::size_t>(i) * filter.taps + (low - first);
    for (int x = 0; x < high - low; ++x) {
      weights[x] = static_cast<std::int32_t>(0.5 + raw[x] / total * (1 << precision));
    }
  }
  return filter;
}

template <int channels>
void resize_row(const std::uint8_t* from, const Filter& filter, int count, std::uint8_t* to) {
  for (int i = 0; i < count; ++i) {
    const std::int32_t* weights = filter.weights.data() + static_cast<std::size_t>(i) * filter.taps;
    const std::uint8_t* pixel = from + static_cast<std::ptrdiff_t>(filter.first[i]) * channels;
    std::int32_t sums[channels];
    for (int c = 0; c < channels; ++c) sums[c] = half;
    for (int t = 0; t < filter.taps; ++t) {
      for (int c = 0; c < channels; ++c) sums[c] += weights[t] * pixel[t * channels + c];
    }
    for (int c = 0; c < channels; ++c) *to++ = to_pixel(sums[c]);
  }
}

// One output row from `taps` rows that lie `stride` bytes apart.
void mix_rows(const std::uint8_t* from, std::size_t stride, const std::int32_t* weights, int taps,
              std::int32_t* sums, std::size_t count, std::uint8_t* to) {
  std::fill(sums, sums + count, half);
  for (int t = 0; t < taps; ++t) {
    const std::int32_t weight = weights[t];
    const std::uint8_t* row = from + stride * static_cast<std::size_t>(t);
    if (weight == 0) continue;
    for (std::size_t i = 0; i < count; ++i) sums[i] += weight * row[i];
  }
  for (std::size_t i = 0; i < count; ++i) to[i] = to_pixel(sums[i]);
}

bool inside(const Box& box, int width, int height) {
  return box.left >= 0 && box.top >= 0 && box.width > 0 && box.height > 0 && box.width <= width - box.left &&
         box.height <= height - box.top;
}

}  // namespace

void resize_into(const Image& image, const Box& box, int width, int height, const Box& window,
                 std::uint8_t* out) {
  check(width > 0 && height > 0, "resize: the new size must be positive");
  check(inside(box, image.width, image.height), "resize: the box must lie in the picture");
  check(inside(window, width, height), "resize: the window must lie in the resized picture");
  const std::size_t channels = static_cast<std::size_t>(image.channels);
  const std::size_t stride = static_cast<std::size_t>(image.width) * channels;
  const std::size_t out_stride = static_cast<std::size_t>(window.width) * channels;
  const std::uint8_t* corner = image.pixels.data() + static_cast<std::size_t>(box.top) * stride +
                               static_cast<std::size_t>(box.left) * channels;

  // Vertical first decides which rows the horizontal pass has to make.
  const bool vertical = height != box.height, horizontal = width != box.width;
  Filter rows;
  int first_row = window.top, row_count = window.height;
  if (vertical) {
    rows = make_filter(box.height, height, window.top, window.height);
    first_row = rows.first.front();
    row_count = rows.first.back() + rows.taps - first_row;
  }

  const std::uint8_t* source = corner + static_cast<std::size_t>(first_row) * stride;
  std::size_t source_stride = stride;
  std::vector<std::uint8_t> middle;
  if (horizontal) {
    const Filter columns = make_filter(box.width, width, window.left, window.width);
    if (vertical) middle.resize(static_cast<std::size_t>(row_count) * out_stride);
    std::uint8_t* to = vertical ? middle.data() : out;
    for (int y = 0; y < row_count; ++y) {
      const std::uint8_t* from = source + static_cast<std::size_t>(y) * stride;
      std::uint8_t* row = to + static_cast<std::size_t>(y) * out_stride;
      if (channels == 3) {
        resize_row<3>(from, columns, window.width, row);
      } else {
        resize_row<1>(from, columns, window.width, row);
      }
    }
    source = to;
    source_stride = out_stride;
  } else {
    source += static_cast<std::size_t>(window.left) * channels;
  }

  if (vertical) {
    std::vector<std::int32_t> sums(out_stride);
    for (int y = 0; y < window.height; ++y) {
      mix_rows(source + static_cast<std::size_t>(rows.first[y] - first_row) * source_stride, source_stride,
               rows.weights.data() + static_cast<std::size_t>(y) * rows.taps, rows.taps, sums.data(),
               out_stride, out + static_cast<std::size_t>(y) * out_stride);
    }
  } else if (!horizontal) {
    for (int y = 0; y < window.height; ++y) {
      std::memcpy(out + static_cast<std::size_t>(y) * out_stride,
                  source + static_cast<std::size_t>(y) * source_stride, out_stride);
    }
  }
}

Image resize_image(const Image& image, int width, int height) {
  check(width > 0 && height > 0, "resize: the new size must be positive");
  Image resized{
      .width = width, .height = height, .channels = image.channels, .pixels = {}, .notes = image.notes};
  resized.pixels.resize(static_cast<std::size_t>(width) * height * image.channels);
  resize_into(image, {0, 0, image.width, image.height}, width, height, {0, 0, width, height},
              resized.pixels.data());
  return resized;
}

}  // namespace thaw
