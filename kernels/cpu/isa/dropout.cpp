#include "kernels/cpu/isa/parts.h"
#include "kernels/cpu/isa/vector.h"
#include "kernels/philox.h"

namespace thaw::cpu::THAW_CPU_ISA {
namespace {

template <class T>
[[gnu::flatten]] void dropout(const ConstView& x, const View& y, float p, std::uint64_t layer,
                              std::uint64_t seed, std::uint32_t step, Index begin, Index end) {
  const float scale = 1.0f / (1.0f - p);
  const std::uint64_t base = layer << 40;
  PhiloxBits bits{};
  Index block = -1;
  for (Index row = begin; row < end; ++row) {
    const T* from = pixel<T>(x, row);
    T* to = pixel<T>(y, row);
    for (Index c = 0; c < x.c; ++c) {
      const Index element = row * x.c + c;
      if (element / 4 != block) {
        block = element / 4;
        bits = philox(seed, Purpose::dropout, step, base + static_cast<std::uint64_t>(block));
      }
      const bool keep = philox_uniform(bits.v[element % 4]) >= p;
      const Vec value = load(from + c, Tail{1});
      store(to + c, keep ? value * scale : Vec{}, Tail{1});
    }
  }
}

}  // namespace

template <class T>
void add_dropout(Loops& loops) {
  loops.dropout = dropout<T>;
}

template void add_dropout<float>(Loops&);
template void add_dropout<bf16>(Loops&);

}  // namespace thaw::cpu::THAW_CPU_ISA
