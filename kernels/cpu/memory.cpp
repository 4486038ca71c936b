#include <cstring>

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {
namespace {

constexpr Index grain = 1 << 18;                             // bytes that are worth a thread of their own
constexpr std::size_t large = (std::size_t{24} << 20) / 64;  // lines that no cache holds

}  // namespace

void CpuBackend::upload(void* device, const void* host, std::size_t bytes) {
  copy_bytes(device, host, bytes);
}

void CpuBackend::download(void* host, const void* device, std::size_t bytes) {
  copy_bytes(host, device, bytes);
}

void CpuBackend::copy_bytes(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0 || to == from) return;
  constexpr std::size_t line = 64;
  const std::size_t lines = bytes / line;
  if (bytes % line == 0 && lines > large && reinterpret_cast<std::uintptr_t>(to) % line == 0) {
    // As f32 values: the loops' stores past the caches are twice as fast as memcpy here, and keep every bit.
    const auto rows = static_cast<Index>(lines), columns = static_cast<Index>(line / sizeof(float));
    compute(Copy{.x = matrix<ConstView>(from, DType::f32, rows, columns),
                 .y = matrix<View>(to, DType::f32, rows, columns)});
    return;
  }
  parallel(static_cast<Index>(bytes), grain, [&](Range range, Index) {
    std::memcpy(static_cast<char*>(to) + range.begin, static_cast<const char*>(from) + range.begin,
                static_cast<std::size_t>(range.end - range.begin));
  });
}

void CpuBackend::zero(void* pointer, std::size_t bytes) {
  if (bytes == 0) return;
  parallel(static_cast<Index>(bytes), grain, [&](Range range, Index) {
    std::memset(static_cast<char*>(pointer) + range.begin, 0,
                static_cast<std::size_t>(range.end - range.begin));
  });
}

}  // namespace thaw::cpu
