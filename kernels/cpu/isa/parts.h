// The pieces that isa/tables.cpp puts together; each is defined in the file of its name.
#pragma once

#include "kernels/cpu/loops.h"

namespace thaw::cpu::THAW_CPU_ISA {

template <class T>
void add_elementwise(Loops& loops);
template <class T>
void add_dropout(Loops& loops);
template <class T>
void add_batch_norm(Loops& loops);
template <class T>
void add_pool2d(Loops& loops);
template <class T>
void add_norm_relu_pool(Loops& loops);
void add_arena(ArenaLoops& loops);
void add_weights(WeightLoops& loops);
void fill_tables(LoopTables& tables);

// The first value of a pixel. View is ConstView or View.
template <class T, class V>
[[gnu::always_inline]] inline auto pixel(const V& view, Index p) {
  if constexpr (__is_same(V, View)) {
    return static_cast<T*>(view.data) + p * view.pitch;
  } else {
    return static_cast<const T*>(view.data) + p * view.pitch;
  }
}

}  // namespace thaw::cpu::THAW_CPU_ISA
