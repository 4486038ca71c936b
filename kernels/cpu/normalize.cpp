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

template <>
void CpuBackend::compute(const NormalizeU8& op) {
  std::vector<Table> tables(static_cast<std::size_t>(op.channels));
  for (std::size_t c = 0; c < tables.size(); ++c) {
    for (std::size_t value = 0; value < 256; ++value) {
      tables[c][value] = (static_cast<float>(value) / 255.0f - op.mean[c]) / op.std[c];
    }
  }
  parallel(op.y.n * op.y.h, std::max<Index>(1, 4096 / op.y.w), [&](Range range, Index) {
    if (op.y.type == DType::f32) {
      rows<float>(op.x, op.channels, tables, op.flip, op.y, range);
    } else {
      rows<bf16>(op.x, op.channels, tables, op.flip, op.y, range);
    }
  });
}

}  // namespace thaw::cpu
