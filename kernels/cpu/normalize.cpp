#include <array>
#include <vector>

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {
namespace {

using Table = std::array<float, 256>;  // the value of every byte, for one channel

template <class T>
void rows(const std::uint8_t* x, Index channels, const std::vector<Table>& tables, const std::uint8_t* flip,
          const View& y, Range range) {
  for (Index row = range.begin; row < range.end; ++row) {
    const bool mirrored = flip != nullptr && flip[row / y.h] != 0;
    for (Index column = 0; column < y.w; ++column) {
      const std::uint8_t* from = x + (row * y.w + (mirrored ? y.w - 1 - column : column)) * channels;
      T* to = static_cast<T*>(y.data) + (row * y.w + column) * y.pitch;
      for (Index c = 0; c < channels; ++c) to[c] = T(tables[static_cast<std::size_t>(c)][from[c]]);
      for (Index c = channels; c < y.c; ++c) to[c] = T(0.0f);
    }
  }
}

}  // namespace

void CpuBackend::normalize_u8(const std::uint8_t* x, std::int64_t channels, const float* mean,
                              const float* std, const std::uint8_t* flip, View y) {
  if (channels > y.c)
    throw Error("normalize_u8: " + std::to_string(channels) + " channels into " + std::to_string(y.c));
  loops(y.type, "normalize_u8");
  std::vector<Table> tables(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < tables.size(); ++c) {
    for (std::size_t value = 0; value < 256; ++value) {
      tables[c][value] = (static_cast<float>(value) / 255.0f - mean[c]) / std[c];
    }
  }
  parallel(y.n * y.h, std::max<Index>(1, 4096 / y.w), [&](Range range, Index) {
    if (y.type == DType::f32) {
      rows<float>(x, channels, tables, flip, y, range);
    } else {
      rows<bf16>(x, channels, tables, flip, y, range);
    }
  });
}

}  // namespace thaw::cpu
