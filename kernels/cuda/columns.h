// Work over [pixels, channels] in which a thread keeps eight neighbouring channels and walks over the pixels,
// so that what belongs to a channel is fetched once. For .cu files only.
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.h"

namespace thaw::cuda {

inline constexpr int octet = 8;  // channels of one thread: a byte of a ReLU mask, 16 bytes of bf16

// How blocks share the work: `tiles` side by side over the channels, `parts` over the pixels. A block is
// `lanes` octets wide and `rows` pixels high; threads beyond have nothing to do.
struct Columns {
  std::int64_t pixels = 0, channels = 0;
  unsigned tiles = 1, parts = 1, lanes = 1, rows = 1;

  unsigned grid() const { return tiles * parts; }
};

// At most `blocks` blocks for each multiprocessor, and `least` pixels for each thread where there are so
// many.
inline Columns columns_of(const Queue& queue, std::int64_t pixels, std::int64_t channels, unsigned blocks = 8,
                          unsigned least = 2) {
  Columns s;
  s.pixels = pixels;
  s.channels = channels;
  const auto octets = static_cast<unsigned>(std::max<std::int64_t>(1, (channels + octet - 1) / octet));
  s.tiles = (octets + 31) / 32;
  s.lanes = (octets + s.tiles - 1) / s.tiles;
  s.rows = block_threads / s.lanes;
  const std::int64_t most = std::max(1u, blocks * queue.multiprocessors / s.tiles);
  const std::int64_t whole = std::int64_t{least} * s.rows;
  s.parts = static_cast<unsigned>(std::clamp<std::int64_t>((pixels + whole - 1) / whole, 1, most));
  return s;
}

// Where the calling thread stands. count is 0 for a thread that has nothing to do.
struct Place {
  std::int64_t tile, part, channel, pixel, step;
  int count;

  __device__ explicit Place(const Columns& s) {
    tile = blockIdx.x % s.tiles;
    part = blockIdx.x / s.tiles;
    const unsigned row = threadIdx.x / s.lanes, lane = threadIdx.x - row * s.lanes;
    channel = (tile * s.lanes + lane) * octet;
    const std::int64_t left = row < s.rows ? s.channels - channel : 0;
    count = static_cast<int>(left < 0 ? 0 : left > octet ? octet : left);
    pixel = part * s.rows + row;
    step = std::int64_t{s.parts} * s.rows;
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

// Eight values as they lie in memory, so that a thread can have several loads in flight.
template <class T>
struct RawOctet {
  Vector<T, octet> values;

  __device__ float operator[](int k) const { return to_float(values.v[k]); }
};

template <bool Wide, class T>
__device__ inline RawOctet<T> load_raw(const T* from, int count) {
  RawOctet<T> raw;
  if constexpr (Wide) {
    raw.values = load<octet>(from);
  } else {
#pragma unroll
    for (int k = 0; k < octet; ++k) {
      if (k < count)
        raw.values.v[k] = from[k];
      else
        assign(raw.values.v[k], 0.0f);
    }
  }
  return raw;
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

// The eight channels at `from` [channels], f32 of any alignment: two loads at once where they can be.
__device__ inline void load_channels(float (&to)[octet], const float* from, int count) {
  if (count < octet || reinterpret_cast<std::uintptr_t>(from) % 16 != 0)
    return load_octet<false>(to, from, count);
  const auto low = load<4>(from), high = load<4>(from + 4);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    to[k] = low.v[k];
    to[4 + k] = high.v[k];
  }
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
