#include "kernels/cpu/isa/parts.h"
#include "kernels/cpu/isa/vector.h"

namespace thaw::cpu::THAW_CPU_ISA {
namespace {

using Word = std::uint32_t;

constexpr int side = 16;     // a tile is one cache line of each row
constexpr int largest = 64;  // rows of a block

// Columns [from, from + count) of `rows` rows, each word at [column][row] of the block; missing rows are 0.
THAW_INLINE void turn_tile(const Word* w, Index rows, Index columns, Index from, int count, Index block,
                           Word* to) {
  alignas(64) Word tile[largest][side];
  for (Index j = 0; j < block; ++j) {
    if (j < rows) {
      const Word* row = w + j * columns + from;
      __builtin_prefetch(row + Index{4} * side, 0, 2);
      if (count == side) {
        __builtin_memcpy(tile[j], row, sizeof(tile[j]));
      } else {
        for (int c = 0; c < count; ++c) tile[j][c] = row[c];
      }
    } else {
      __builtin_memset(tile[j], 0, sizeof(tile[j]));
    }
  }
  for (int c = 0; c < count; ++c) {
    Word* line = to + c * block;
    for (Index j = 0; j < block; ++j) line[j] = tile[j][c];
  }
}

void turn_blocks(const Word* w, Index rows, Index columns, Index block, Word* to, Index begin, Index end) {
  const Index strips = (columns + turn_strip - 1) / turn_strip;
  for (Index unit = begin; unit < end; ++unit) {
    const Index first = unit / strips * block;
    const Index from = unit % strips * turn_strip;
    const Index last = from + turn_strip < columns ? from + turn_strip : columns;
    for (Index column = from; column < last; column += side) {
      const int count = static_cast<int>(last - column < side ? last - column : side);
      turn_tile(w + first * columns, rows - first < block ? rows - first : block, columns, column, count,
                block, to + first * columns + column * block);
    }
  }
}

}  // namespace

void add_weights(WeightLoops& loops) {
  loops.turn_blocks = turn_blocks;
}

}  // namespace thaw::cpu::THAW_CPU_ISA
