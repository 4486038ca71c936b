#include <cstring>

#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {
namespace {

constexpr Index grain = 1 << 18;  // bytes that are worth a thread of their own

}  // namespace

void CpuBackend::upload(void* device, const void* host, std::size_t bytes) {
  copy_bytes(device, host, bytes);
}

void CpuBackend::download(void* host, const void* device, std::size_t bytes) {
  copy_bytes(host, device, bytes);
}

void CpuBackend::copy_bytes(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0 || to == from) return;
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
