#include "kernels/cpu/isa/parts.h"

namespace thaw::cpu::THAW_CPU_ISA {
namespace {

template <class T>
void fill(Loops& loops) {
  add_elementwise<T>(loops);
  add_dropout<T>(loops);
  add_batch_norm<T>(loops);
  add_pool2d<T>(loops);
  add_norm_relu_pool<T>(loops);
}

}  // namespace

void fill_tables(LoopTables& tables) {
  fill<float>(tables.f32);
  fill<bf16>(tables.bf16);
  add_arena(tables.arena);
  add_weights(tables.weights);
}

}  // namespace thaw::cpu::THAW_CPU_ISA
