// Work over [pixels, channels] in which a thread keeps eight neighbouring channels and walks over the pixels,
// so that what belongs to a channel is fetched once. For .cu files only.
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.h"

namespace thaw::cuda {

inline constexpr int octet = 8;  // channels of one thread: a byte of a ReLU mask, 16 bytes of bf16

// How blocks share the work: `tiles` side by side over the channels, `parts` over the pixels. A block is
// `lanes` octets wide and block_threads / lanes pixels high.
struct Columns {
  std::int64_t pixels = 0, channels = 0;
  unsigned tiles = 1, parts = 1, lanes = 1;

  unsigned grid() const { return tiles * parts; }
};

inline Columns columns_of(const Queue& queue, std::int64_t pixels, std::int64_t channels) {
  Columns s;
  s.pixels = pixels;
  s.channels = channels;
  const std::int64_t octets = (channels + octet - 1) / octet;
  while (s.lanes < octets && s.lanes < 32) s.lanes *= 2;
  s.tiles = static_cast<unsigned>(std::max<std::int64_t>(1, (octets + s.lanes - 1) / s.lanes));
  const std::int64_t rows = block_threads / s.lanes;
  const std::int64_t most = std::max<std::int64_t>(1, std::int64_t{8} * queue.multiprocessors / s.tiles);
  s.parts = static_cast<unsigned>(std::clamp<std::int64_t>((pixels + 2 * rows - 1) / (2 * rows), 1, most));
  return s;
}

// Where the calling thread stands. count is 0 for a thread beyond the last channel.
struct Place {
  std::int64_t tile, part, channel, pixel, step;
  int count;

  __device__ explicit Place(const Columns& s) {
    tile = blockIdx.x % s.tiles;
    part = blockIdx.x / s.tiles;
    const unsigned lane = threadIdx.x % s.lanes, rows = block_threads / s.lanes;
    channel = (tile * s.lanes + lane) * octet;
    const std::int64_t left = s.channels - channel;
    count = static_cast<int>(left < 0 ? 0 : left > octet ? octet : left);
    pixel = part * rows + threadIdx.x / s.lanes;
    step = std::int64_t{s.parts} * rows;
  }
};

// The first `count` of eight values; the others are 0. Wide: count is 8 and `from` is aligned to all eight.
template <bool Wide, class T>
__device__ inline void load_octet(float (&to)[octet], const T* from, int count) {
  if constexpr (Wide) {
    const auto values = load<octet>(from);
#pragma unroll
    for (int k = 0; k < octet; ++k) to[k] = to_float(values.v[k]);
  } else {
#pragma unroll
    for (int k = 0; k < octet; ++k) to[k] = k < count ? to_float(from[k]) : 0.0f;
  }
}

template <bool Wide, class T>
__device__ inline void store_octet(T* to, const float (&from)[octet], int count) {
  if constexpr (Wide) {
    Vector<T, octet> values;
#pragma unroll
    for (int k = 0; k < octet; ++k) assign(values.v[k], from[k]);
    store<octet>(to, values);
  } else {
#pragma unroll
    for (int k = 0; k < octet; ++k)
      if (k < count) assign(to[k], from[k]);
  }
}

// `value` of the eight channels at `from` [channels], f32 of any alignment.
__device__ inline void load_channels(float (&to)[octet], const float* from, int count) {
  load_octet<false>(to, from, count);
}

// a / b for 0 <= a, 0 < b; most are small, and a 64-bit division takes ten times as long as a 32-bit one.
__device__ inline std::int64_t divide(std::int64_t a, std::int64_t b) {
  if (((a | b) >> 32) == 0) return static_cast<std::uint32_t>(a) / static_cast<std::uint32_t>(b);
  return a / b;
}

template <class T, class AnyView>
Pixels<const T> input_pixels(const AnyView& view) {
  return {static_cast<const T*>(view.data), view.pitch};
}

template <class T>
Pixels<T> output_pixels(const View& view) {
  return {static_cast<T*>(view.data), view.pitch};
}

// Calls f(std::true_type) when every view is null or can be moved in octets, else f(std::false_type).
template <class F, class... Views>
void with_width(F f, const Views&... views) {
  if (((!views || aligned_for(views, octet)) && ...))
    f(std::true_type{});
  else
    f(std::false_type{});
}

inline void require(bool holds, const char* op, const char* what) {
  if (!holds) throw Error(std::string(op) + ": " + what);
}

}  // namespace thaw::cuda
