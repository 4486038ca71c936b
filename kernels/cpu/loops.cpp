#include "kernels/cpu/loops.h"

namespace thaw::cpu {

namespace baseline {
void fill_tables(LoopTables& tables);
}
#if defined(THAW_CPU_X86)
namespace avx2 {
void fill_tables(LoopTables& tables);
}
namespace avx512 {
void fill_tables(LoopTables& tables);
}
namespace avx512_bf16 {
void fill_tables(LoopTables& tables);
}
#endif

LoopTables loop_tables(Isa isa) {
  LoopTables tables{};
#if defined(THAW_CPU_X86)
  if (isa == Isa::avx512_bf16) {
    avx512_bf16::fill_tables(tables);
    return tables;
  }
  if (isa == Isa::avx512) {
    avx512::fill_tables(tables);
    return tables;
  }
  if (isa == Isa::avx2) {
    avx2::fill_tables(tables);
    return tables;
  }
#endif
  static_cast<void>(isa);
  baseline::fill_tables(tables);
  return tables;
}

}  // namespace thaw::cpu
